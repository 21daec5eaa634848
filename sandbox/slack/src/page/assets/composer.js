// The inputs in which people type text or a slash command.
import * as api from "./api.js";
import { byId, element } from "./dom.js";

/**
 * Wires up a form. `where()` gives `{user, channel, threadTs}`; `commands()` the app's commands, for the hint.
 */
export function composer(formId, inputId, hintId, where, commands) {
  const [form, input, hint] = [byId(formId), byId(inputId), byId(hintId)];
  const send = form.querySelector("button");
  const history = [];
  let recalled = 0;

  const refresh = () => {
    send.disabled = !input.value.trim();
    showHint(hint, input.value, commands(), where().threadTs);
  };
  input.addEventListener("input", refresh);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
    // As in a shell, the arrow up shows the previous input.
    if (event.key === "ArrowUp" && (input.value === "" || input.value === history[recalled])) recall(-1, event);
    if (event.key === "ArrowDown" && input.value === history[recalled]) recall(1, event);
  });
  const recall = (step, event) => {
    const next = recalled + step;
    if (next < 0 || next > history.length) return;
    event.preventDefault();
    recalled = next;
    input.value = history[next] ?? "";
    refresh();
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (!text) return;
    history.push(text);
    recalled = history.length;
    input.value = "";
    refresh();
    try {
      await (text.startsWith("/") ? api.command : api.say)({ ...where(), text });
    } catch (error) {
      input.value ||= text;
      refresh();
      hint.hidden = false;
      hint.className = "hint error";
      hint.textContent = error.message;
    }
  });
  refresh();
}

function showHint(hint, typed, commands, threadTs) {
  hint.className = "hint";
  const word = typed.split(/\s/)[0];
  const command = word.startsWith("/") && commands.find((known) => known.command.startsWith(word));
  hint.hidden = !command;
  if (!command) return;
  const usage = element("code", {}, `${command.command} ${command.usageHint}`);
  hint.replaceChildren(...(threadTs ? ["Commands are typed in the channel, not in threads."] : [usage]));
}
