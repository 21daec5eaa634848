// Formats times of messages and of Slack's <!date^…> form.

export const instant = (ts) => new Date(Number(ts) * 1000);

const format = (options) => new Intl.DateTimeFormat(undefined, options);
const clock = format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const clockWithSeconds = format({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const full = format({ dateStyle: "full", timeStyle: "medium" });
const dayAndMonth = format({ weekday: "long", day: "numeric", month: "long" });

export const timeOfDay = (ts) => clock.format(instant(ts));
export const fullTime = (ts) => full.format(instant(ts));

/** Returns "Today", "Yesterday", or the date. */
export function dayName(date) {
  const days = Math.round((startOfDay(new Date()) - startOfDay(date)) / 86_400_000);
  if (days === 0) return "Today";
  return days === 1 ? "Yesterday" : dayAndMonth.format(date);
}

export const sameDay = (a, b) => startOfDay(a).getTime() === startOfDay(b).getTime();

function startOfDay(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate());
}

/** Replaces Slack's date tokens. An unknown token gives the fallback. */
export function slackDate(epoch, template, fallback) {
  const date = new Date(Number(epoch) * 1000);
  if (Number.isNaN(date.getTime())) return fallback;
  const pretty = (options) => {
    const days = Math.round((startOfDay(new Date()) - startOfDay(date)) / 86_400_000);
    return { 0: "today", 1: "yesterday", "-1": "tomorrow" }[days] ?? format(options).format(date);
  };
  const long = { weekday: "long", day: "numeric", month: "long", year: "numeric" };
  const middle = { day: "numeric", month: "long", year: "numeric" };
  const short = { day: "numeric", month: "short", year: "numeric" };
  const tokens = {
    date_num: () => date.toISOString().slice(0, 10),
    date: () => format(middle).format(date),
    date_short: () => format(short).format(date),
    date_long: () => format(long).format(date),
    date_pretty: () => pretty(middle),
    date_short_pretty: () => pretty(short),
    date_long_pretty: () => pretty(long),
    time: () => clock.format(date),
    time_secs: () => clockWithSeconds.format(date),
  };
  let known = true;
  const text = template.replace(/\{([a-z_]+)\}/g, (_, name) => {
    known &&= name in tokens;
    return known ? tokens[name]() : "";
  });
  return known ? text : fallback;
}
