// The sidebar: channels with unread messages, the state of the app, and the acting person.
import { byId, element, reconcile } from "./dom.js";

/** Shows the channels. `view` has `user` and `channel` (ids), `lastRead(id)` (a ts) and `open(id)`. */
export function showChannels(world, state, view) {
  const visible = world.channels.filter((channel) => !channel.isPrivate || channel.members.includes(view.user));
  const items = visible.map((channel) => {
    const recent = state.channels.find((one) => one.id === channel.id)?.recent ?? [];
    const unread = recent.filter((message) => Number(message.ts) > Number(view.lastRead(channel.id)));
    const current = channel.id === view.channel;
    const count = unread.length;
    const calls = unread.filter((message) => message.callsYou).length;
    return { key: channel.id, signature: JSON.stringify([channel, current, count, calls]), channel, current, count, calls };
  });
  reconcile(byId("channels"), items, (item) => channelRow(item, view.open));
}

function channelRow({ channel, current, count, calls }, open) {
  const label = `${channel.name}${count ? `, ${count} unread` : ""}${calls ? `, ${calls} for you` : ""}`;
  const row = element("button", {
    type: "button",
    className: count ? "unread" : "",
    "aria-current": current ? "page" : null,
    "aria-label": label,
    "data-focus": "open",
  }, element("span", {}, `${channel.isPrivate ? "🔒" : "#"} ${channel.name}`), calls ? element("span", { className: "badge" }, String(calls)) : null);
  row.addEventListener("click", () => open(channel.id));
  return element("li", {}, row);
}

export function showApp(world, state) {
  byId("app-name").textContent = world.app.name;
  byId("presence").className = state.sockets ? "presence on" : "presence";
  byId("app-state").textContent = state.sockets ? "connected" : "not connected";
}

/** Fills the menu that selects the acting person. */
export function showPeople(world, acting, choose) {
  const select = byId("acting");
  select.replaceChildren(...world.users.map((user) => {
    const groups = world.userGroups.filter((group) => group.users.includes(user.id)).map((group) => `@${group.handle}`);
    const suffix = groups.length ? ` (${groups.join(", ")})` : "";
    return element("option", { value: user.id, selected: user.id === acting }, `${user.realName}${suffix}`);
  }));
  select.onchange = () => choose(select.value);
}
