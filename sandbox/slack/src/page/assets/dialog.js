// The confirmation dialog that Slack shows before it sends a press to the app.
import { byId } from "./dom.js";
import { mrkdwn, plain } from "./mrkdwn.js";

/** Shows the dialog. The result is true only if the person confirmed. */
export function confirm(asked, names) {
  const dialog = byId("confirm");
  const text = asked.text.type === "mrkdwn" ? mrkdwn(asked.text.text, names) : plain(asked.text.text);
  byId("confirm-title").textContent = asked.title.text;
  byId("confirm-text").replaceChildren(text);
  byId("confirm-no").textContent = asked.deny.text;
  byId("confirm-yes").textContent = asked.confirm.text;
  byId("confirm-yes").className = asked.style === "danger" ? "danger" : "primary";
  return new Promise((resolve) => {
    const decide = (answer) => () => {
      resolve(answer);
      dialog.close();
    };
    byId("confirm-yes").onclick = decide(true);
    byId("confirm-no").onclick = decide(false);
    // The close event comes late: the next dialog may be open by then, and the event must not cancel it.
    dialog.onclose = () => {
      if (!dialog.open) resolve(false);
    };
    dialog.showModal();
    byId("confirm-no").focus();
  });
}
