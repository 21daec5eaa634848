// Shows messages and ephemerals in lists.
import * as api from "./api.js";
import { renderBlocks } from "./blocks.js";
import { confirm } from "./dialog.js";
import { element, reconcile } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";
import { dayName, fullTime, instant, sameDay, timeOfDay } from "./time.js";

const COLOURS = ["#2f6690", "#81559b", "#b5651d", "#3a7d44", "#a23b72", "#4f6d7a"];
/** A list stays at its end unless the person scrolled up by more than this. */
const NEAR_END = 80;

/** Keeps a list at its end when its content or its size changes. */
export function stayAtEnd(list) {
  list.atEnd = true;
  list.addEventListener("scroll", () => {
    list.atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_END;
  });
  new ResizeObserver(() => toEnd(list)).observe(list);
}

function toEnd(list) {
  if (list.atEnd) list.scrollTop = list.scrollHeight;
}

/**
 * Shows messages and ephemerals in `list`. `view` has `names`, `user`, `inThread`, `openThread(ts)`, `title(ts)` (what a
 * thread is called), `newSince` (a ts) and `empty` (what to say when there is nothing).
 */
export function showMessages(list, messages, ephemerals, view) {
  const all = [...messages, ...ephemerals.map((one) => ({ ...one, ephemeral: true }))];
  all.sort((a, b) => Number(a.ts) - Number(b.ts));
  reconcile(list, withDividers(all, view), (item) => build(item, view));
  toEnd(list);
}

/** Adds the lines between messages: a new day, unread messages, the number of replies. */
function withDividers(all, view) {
  const items = [];
  let previous = null;
  let markedNew = false;
  for (const message of all) {
    const date = instant(message.ts);
    if (!view.inThread && (!previous || !sameDay(previous, date))) items.push(line("day", dayName(date), message.ts));
    if (view.newSince && !markedNew && Number(message.ts) > Number(view.newSince) && message.user !== view.user && !message.ephemeral) {
      items.push(line("new-line", "New", message.ts));
      markedNew = true;
    }
    items.push({ key: message.ts, signature: view.user + JSON.stringify(message), message });
    if (view.inThread && !previous) {
      const count = message.thread?.replyCount ?? 0;
      if (count) items.push(line("replies-line", replies(count), message.ts));
    }
    previous = date;
  }
  if (!items.length) items.push(line("empty", view.empty, "none"));
  return items;
}

const line = (className, text, ts) => ({ key: `${className}-${ts}`, signature: text, className, text });

export const replies = (count) => (count === 1 ? "1 reply" : `${count} replies`);

function build(item, view) {
  if (item.message) return element("li", {}, article(item.message, view));
  return element("li", {}, element("div", { className: item.className }, item.text));
}

function article(message, view) {
  const author = message.ephemeral ? ephemeralAuthor(message, view.names) : view.names.author(message.user);
  const byline = element("div", { className: "byline" },
    element("span", { className: "author" }, author.name),
    author.isApp ? element("span", { className: "app-badge" }, "APP") : null,
    timeLink(message),
    message.showsEdited ? element("span", { className: "edited" }, "(edited)") : null);
  const body = element("div", {}, byline, ...content(message, view), threadLink(message, view));
  const label = `${author.name}, ${timeOfDay(message.ts)}${message.ephemeral ? ", only visible to you" : ""}`;
  return element("article", { className: message.ephemeral ? "ephemeral" : "", "aria-label": label, "data-ts": message.ts },
    note(message, view), avatar(author), body);
}

function note(message, view) {
  if (message.ephemeral) return element("p", { className: "note" }, "Only visible to you");
  if (!message.broadcast) return null;
  if (view.inThread) return element("p", { className: "note broadcast" }, "Also sent to the channel");
  const open = element("button", { type: "button", className: "link", "data-focus": "root" }, view.title(message.threadTs));
  open.addEventListener("click", () => view.openThread(message.threadTs));
  return element("p", { className: "note broadcast" }, "replied to a thread: ", open);
}

function content(message, view) {
  const context = { names: view.names, press: (one, value, control) => press(message, one, value, control, view) };
  const shown = message.blocks.length ? renderBlocks(message.blocks, context) : [mrkdwn(message.text, view.names)];
  const asked = message.inReplyTo && element("p", { className: "asked" }, `You typed ${message.inReplyTo}`);
  return asked ? [asked, ...shown] : shown;
}

function timeLink(message) {
  const time = element("time", { dateTime: instant(message.ts).toISOString(), title: fullTime(message.ts) }, timeOfDay(message.ts));
  if (message.ephemeral) return element("span", { className: "time" }, time);
  const thread = message.threadTs && message.threadTs !== message.ts ? `?thread_ts=${message.threadTs}` : "";
  const href = `/archives/${message.channel}/p${message.ts.replace(".", "")}${thread}`;
  return element("a", { className: "time", href, "data-focus": "time" }, time);
}

function threadLink(message, view) {
  const count = message.thread?.replyCount;
  if (!count || view.inThread) return null;
  const last = element("span", {}, `Last reply ${timeOfDay(message.thread.latestReply)}`);
  const open = element("button", { type: "button", className: "thread-link", "data-focus": "thread" }, replies(count), last);
  open.addEventListener("click", () => view.openThread(message.ts));
  return open;
}

function avatar(author) {
  if (author.isApp) return element("div", { className: "avatar", "aria-hidden": "true" }, element("img", { src: "/assets/icon.svg", alt: "" }));
  const colour = COLOURS[[...author.name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 9973, 0) % COLOURS.length];
  const made = element("div", { className: "avatar", "aria-hidden": "true" }, author.name.slice(0, 1).toUpperCase());
  made.style.background = colour;
  return made;
}

const ephemeralAuthor = (message, names) => (message.fromSlack ? { name: "Slackbot", isApp: false } : names.app());

/** Presses a button after the confirmation. The app has 3 s to acknowledge it. */
async function press(message, one, value, control, view) {
  if (one.confirm && !(await confirm(one.confirm, view.names))) {
    if (control.tagName === "SELECT") control.value = "";
    control.focus();
    return;
  }
  control.disabled = true;
  control.parentElement.querySelector(".kit-failed")?.remove();
  const locate = locator(control);
  try {
    // The acting person may have changed since the button was drawn.
    const pressed = { user: view.names.you(), channel: message.channel, ts: message.ts, actionId: one.action_id, value };
    const outcome = await api.click(pressed);
    const app = view.names.app().name;
    if (outcome.delivered === "timedOut") showFailure(locate(), `${app} did not answer within 3 seconds.`);
    if (outcome.delivered === "notConnected") showFailure(locate(), `${app} is not connected. Nothing was done.`);
  } catch (error) {
    showFailure(locate(), error.message);
  } finally {
    control.disabled = false;
  }
}

/** Finds a control again after its message was redrawn: the button that replaced it, otherwise the message. */
function locator(control) {
  const list = control.closest(".messages");
  const { ts } = control.closest("article").dataset;
  const { focus } = control.dataset;
  return () => {
    if (control.isConnected) return control.parentElement;
    const message = [...(list?.querySelectorAll("article") ?? [])].find((one) => one.dataset.ts === ts);
    const again = [...(message?.querySelectorAll("[data-action]") ?? [])].find((one) => one.dataset.focus === focus);
    return again?.parentElement ?? message?.lastElementChild;
  };
}

function showFailure(place, text) {
  place?.querySelector(":scope > .kit-failed")?.remove();
  place?.append(element("span", { className: "kit-failed", role: "alert" }, `⚠ ${text}`));
}
