// The page: it shows one channel and one thread to the acting person, and refreshes after each change.
import * as api from "./api.js";
import { composer } from "./composer.js";
import { byId } from "./dom.js";
import { showMessages, stayAtEnd } from "./messages.js";
import { showApp, showChannels, showPeople } from "./sidebar.js";

const storage = {
  get: (name) => localStorage.getItem(`slack-simulator/${name}`),
  set: (name, value) => localStorage.setItem(`slack-simulator/${name}`, value),
};

let world = null;
let state = null;
/** The acting person, channel and thread. `newSince` is the last read ts at the time when the channel was opened. */
const selection = { user: null, channel: null, thread: null, newSince: null };

const names = {
  user: (id) => (id === world.app.botUser ? world.app.botName : find(world.users, id)?.name) ?? id,
  channel: (id) => find(world.channels, id)?.name ?? id,
  group: (id) => find(world.userGroups, id)?.handle ?? id,
  you: () => selection.user,
  isYou: (id) => id === selection.user,
  isYours: (id) => find(world.userGroups, id)?.users.includes(selection.user) ?? false,
  app: () => ({ name: world.app.name, isApp: true }),
  author: (id) => (id === world.app.botUser ? names.app() : { name: find(world.users, id)?.realName ?? id, isApp: false }),
};
const find = (list, id) => list.find((one) => one.id === id);

const readKey = (channel) => `read/${world.team.id}/${selection.user}/${channel}`;
const lastRead = (channel) => storage.get(readKey(channel)) ?? "0";

async function start() {
  world = await api.getWorld();
  const link = readPermalink();
  const acting = find(world.users, storage.get("user")) ?? world.users[0];
  selection.user = acting?.id;
  selection.channel = link?.channel ?? (find(world.channels, storage.get("channel")) ?? world.channels[0])?.id;
  selection.thread = link?.thread ?? null;
  selection.newSince = lastRead(selection.channel);
  document.title = `${world.team.name} workspace`;
  byId("team").textContent = world.team.name;
  showPeople(world, selection.user, actAs);
  composer("composer", "composer-input", "composer-hint", () => place(null), () => world.app.commands);
  composer("thread-composer", "thread-input", "thread-hint", () => place(selection.thread), () => world.app.commands);
  stayAtEnd(byId("messages"));
  stayAtEnd(byId("thread-messages"));
  byId("thread-close").addEventListener("click", closeThread);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && selection.thread && !byId("confirm").open) closeThread();
  });
  addEventListener("focus", markRead);
  await refresh();
  if (link) flash(link.ts);
  api.watch(refreshSoon, () => showAlert("The simulator cannot be reached. Trying again…"));
}

const place = (threadTs) => ({ user: selection.user, channel: selection.channel, ...(threadTs ? { threadTs } : {}) });

/** Reads the permalink in the address: /archives/C0DEPLOYS/p1764000000000100?thread_ts=… */
function readPermalink() {
  const match = /^\/archives\/([^/]+)\/p(\d+)(\d{6})$/.exec(location.pathname);
  if (!match) return null;
  return { channel: match[1], ts: `${match[2]}.${match[3]}`, thread: new URLSearchParams(location.search).get("thread_ts") };
}

let running = false;
let again = false;
/** Runs one refresh at a time. Changes during a refresh cause one more. */
async function refreshSoon() {
  if (running) return void (again = true);
  running = true;
  do {
    again = false;
    await refresh().catch((error) => showAlert(error.message));
  } while (again);
  running = false;
}

async function refresh() {
  const asked = { user: selection.user, channel: selection.channel, thread: selection.thread };
  const [freshWorld, fresh] = await Promise.all([api.getWorld(), api.getState(asked)]);
  // The selection has changed while the request was running.
  if (asked.user !== selection.user || asked.channel !== selection.channel || asked.thread !== selection.thread) return refresh();
  world = freshWorld;
  state = fresh;
  showAlert(state.outage ? "Slack is away: nobody can act, and the app cannot reach it." : null);
  markRead();
  draw();
}

function draw() {
  const channel = find(world.channels, selection.channel);
  byId("channel-title").textContent = `${channel?.isPrivate ? "🔒" : "#"} ${channel?.name ?? "unknown"}`;
  byId("composer-label").textContent = `Message #${channel?.name}`;
  byId("composer-input").placeholder = `Message #${channel?.name}, or a command such as ${world.app.commands[0]?.command ?? "/help"}`;
  byId("channel-members").textContent = members(channel);
  showApp(world, state);
  showChannels(world, state, { user: selection.user, channel: selection.channel, lastRead, open: openChannel });
  const view = { names, user: selection.user, openThread, title, newSince: selection.newSince };
  const inChannel = state.ephemerals.filter((one) => !one.threadTs);
  const empty = `This is the very beginning of #${channel?.name}. Type a command below.`;
  showMessages(byId("messages"), state.messages, inChannel, { ...view, empty });
  drawThread(view);
}

/** The first line of a thread's root, without markup. */
function title(ts) {
  const text = state.messages.find((message) => message.ts === ts)?.text ?? "an older message";
  const first = text.replace(/<[^>|]*\|?([^>]*)>/g, "$1").split("\n")[0];
  return first.length > 80 ? `${first.slice(0, 79)}…` : first;
}

function drawThread(view) {
  const open = Boolean(selection.thread && state.thread?.length);
  byId("thread").hidden = !open;
  byId("layout").classList.toggle("with-thread", open);
  if (!open) return;
  const ephemerals = state.ephemerals.filter((one) => one.threadTs === selection.thread);
  const list = byId("thread-messages");
  showMessages(list, state.thread, ephemerals, { ...view, inThread: true, newSince: null, empty: "No such thread." });
}

function members(channel) {
  if (!channel) return "";
  const people = channel.members.map((id) => names.user(id));
  return (channel.botIsMember ? [...people, world.app.botName] : people).join(", ");
}

function markRead() {
  const newest = state?.messages.at(-1)?.ts;
  if (newest && document.hasFocus()) storage.set(readKey(selection.channel), newest);
}

function actAs(user) {
  storage.set("user", user);
  Object.assign(selection, { user, newSince: null });
  selection.newSince = lastRead(selection.channel);
  refreshSoon();
}

function openChannel(channel) {
  storage.set("channel", channel);
  Object.assign(selection, { channel, thread: null, newSince: lastRead(channel) });
  byId("messages").replaceChildren();
  byId("messages").atEnd = true;
  refreshSoon();
  byId("composer-input").focus();
}

function openThread(ts) {
  selection.thread = ts;
  byId("thread-messages").replaceChildren();
  byId("thread-messages").atEnd = true;
  refreshSoon();
}

function closeThread() {
  selection.thread = null;
  draw();
  byId("composer-input").focus();
}

function showAlert(text) {
  byId("alert").hidden = !text;
  byId("alert").textContent = text ?? "";
}

function flash(ts) {
  const found = document.querySelector(`article[data-ts="${CSS.escape(ts)}"]`);
  found?.closest("li").classList.add("flash");
  found?.scrollIntoView({ block: "center" });
}

start().catch((error) => showAlert(error.message));
