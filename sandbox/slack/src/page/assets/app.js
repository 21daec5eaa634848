// The page: who looks at which channel and thread, kept up to date by the stream of changes.
import * as api from "./api.js";
import { composer } from "./composer.js";
import { byId } from "./dom.js";
import { showMessages, stayAtEnd } from "./messages.js";
import { showApp, showChannels, showPeople } from "./sidebar.js";

const kept = {
  get: (name) => localStorage.getItem(`slack-simulator/${name}`),
  set: (name, value) => localStorage.setItem(`slack-simulator/${name}`, value),
};

let world = null;
let state = null;
/** What is looked at. `newSince` is where the person had read to when they opened the channel. */
const looking = { user: null, channel: null, thread: null, newSince: null };

const names = {
  user: (id) => (id === world.app.botUser ? world.app.botName : find(world.users, id)?.name) ?? id,
  channel: (id) => find(world.channels, id)?.name ?? id,
  group: (id) => find(world.userGroups, id)?.handle ?? id,
  you: () => looking.user,
  isYou: (id) => id === looking.user,
  isYours: (id) => find(world.userGroups, id)?.users.includes(looking.user) ?? false,
  app: () => ({ name: world.app.name, isApp: true }),
  author: (id) => (id === world.app.botUser ? names.app() : { name: find(world.users, id)?.realName ?? id, isApp: false }),
};
const find = (list, id) => list.find((one) => one.id === id);

const readKey = (channel) => `read/${world.team.id}/${looking.user}/${channel}`;
const lastRead = (channel) => kept.get(readKey(channel)) ?? "0";

async function start() {
  world = await api.getWorld();
  const link = permalink();
  const acting = find(world.users, kept.get("user")) ?? world.users[0];
  looking.user = acting?.id;
  looking.channel = link?.channel ?? (find(world.channels, kept.get("channel")) ?? world.channels[0])?.id;
  looking.thread = link?.thread ?? null;
  looking.newSince = lastRead(looking.channel);
  document.title = `${world.team.name} workspace`;
  byId("team").textContent = world.team.name;
  showPeople(world, looking.user, actAs);
  composer("composer", "composer-input", "composer-hint", () => place(null), () => world.app.commands);
  composer("thread-composer", "thread-input", "thread-hint", () => place(looking.thread), () => world.app.commands);
  stayAtEnd(byId("messages"));
  stayAtEnd(byId("thread-messages"));
  byId("thread-close").addEventListener("click", closeThread);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && looking.thread && !byId("confirm").open) closeThread();
  });
  addEventListener("focus", markRead);
  await refresh();
  if (link) flash(link.ts);
  api.watch(refreshSoon, () => showAlert("The simulator cannot be reached. Trying again…"));
}

const place = (threadTs) => ({ user: looking.user, channel: looking.channel, ...(threadTs ? { threadTs } : {}) });

/** /archives/C0DEPLOYS/p1764000000000100?thread_ts=… */
function permalink() {
  const match = /^\/archives\/([^/]+)\/p(\d+)(\d{6})$/.exec(location.pathname);
  if (!match) return null;
  return { channel: match[1], ts: `${match[2]}.${match[3]}`, thread: new URLSearchParams(location.search).get("thread_ts") };
}

let running = false;
let again = false;
/** One refresh at a time; changes meanwhile make for one more. */
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
  const asked = { user: looking.user, channel: looking.channel, thread: looking.thread };
  const [freshWorld, fresh] = await Promise.all([api.getWorld(), api.getState(asked)]);
  // The person has moved on while the answer was under way.
  if (asked.user !== looking.user || asked.channel !== looking.channel || asked.thread !== looking.thread) return refresh();
  world = freshWorld;
  state = fresh;
  showAlert(state.outage ? "Slack is away: nobody can act, and the app cannot reach it." : null);
  markRead();
  draw();
}

function draw() {
  const channel = find(world.channels, looking.channel);
  byId("channel-title").textContent = `${channel?.isPrivate ? "🔒" : "#"} ${channel?.name ?? "unknown"}`;
  byId("composer-label").textContent = `Message #${channel?.name}`;
  byId("composer-input").placeholder = `Message #${channel?.name}, or a command such as ${world.app.commands[0]?.command ?? "/help"}`;
  byId("channel-members").textContent = members(channel);
  showApp(world, state);
  showChannels(world, state, { user: looking.user, channel: looking.channel, lastRead, open: openChannel });
  const view = { names, user: looking.user, openThread, title, newSince: looking.newSince };
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
  const open = Boolean(looking.thread && state.thread?.length);
  byId("thread").hidden = !open;
  byId("layout").classList.toggle("with-thread", open);
  if (!open) return;
  const ephemerals = state.ephemerals.filter((one) => one.threadTs === looking.thread);
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
  if (newest && document.hasFocus()) kept.set(readKey(looking.channel), newest);
}

function actAs(user) {
  kept.set("user", user);
  Object.assign(looking, { user, newSince: null });
  looking.newSince = lastRead(looking.channel);
  refreshSoon();
}

function openChannel(channel) {
  kept.set("channel", channel);
  Object.assign(looking, { channel, thread: null, newSince: lastRead(channel) });
  byId("messages").replaceChildren();
  byId("messages").atEnd = true;
  refreshSoon();
  byId("composer-input").focus();
}

function openThread(ts) {
  looking.thread = ts;
  byId("thread-messages").replaceChildren();
  byId("thread-messages").atEnd = true;
  refreshSoon();
}

function closeThread() {
  looking.thread = null;
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
