// Renders Slack's markup as elements. It creates only text nodes and elements; nothing is parsed as HTML.
import { element } from "./dom.js";
import { slackDate } from "./time.js";

const EMOJI = {
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", warning: "⚠️", rocket: "🚀", hourglass: "⏳",
  hourglass_flowing_sand: "⏳", leftwards_arrow_with_hook: "↩️", rotating_light: "🚨", lock: "🔒", eyes: "👀",
  tada: "🎉", no_entry: "⛔", octagonal_sign: "🛑", information_source: "ℹ️", arrow_right: "➡️", smile: "😄",
};

/** Renders text with markup. `names` maps the ids of people, groups and channels to names. */
export function mrkdwn(text, names) {
  const root = element("div", { className: "text" });
  // Fenced code comes first, because nothing inside it is markup.
  text.split(/```/).forEach((part, index, parts) => {
    const fenced = index % 2 === 1 && index < parts.length - 1;
    if (fenced) root.append(element("pre", {}, unescape(plainReferences(part.replace(/^\n|\n$/g, "")))));
    else root.append(...quotes(index % 2 === 1 ? "```" + part : betweenFences(part, index, parts.length), names));
  });
  return root;
}

/** Removes the line breaks next to a fence, because a fence has its own lines. */
function betweenFences(part, index, count) {
  const start = index > 0 && part.startsWith("\n") ? 1 : 0;
  const end = index < count - 1 && part.endsWith("\n") ? -1 : undefined;
  return part.slice(start, end);
}

export const plain = (text) => element("div", { className: "text" }, emoji(text));

/** Renders lines that begin with > as quotes. */
function quotes(text, names) {
  const out = [];
  let quoted = [];
  const flush = () => {
    if (quoted.length) out.push(element("blockquote", {}, ...inline(quoted.join("\n"), names)));
    quoted = [];
  };
  text.split("\n").forEach((line, index, lines) => {
    const quote = /^(?:&gt;|>)\s?(.*)$/.exec(line);
    if (quote) return void quoted.push(quote[1]);
    flush();
    out.push(...inline(line, names));
    if (index < lines.length - 1) out.push("\n");
  });
  flush();
  return out;
}

/** Renders code spans, references and the three kinds of emphasis, the outermost first. */
function inline(text, names) {
  const out = [];
  const pattern = /`([^`\n]+)`|<([^<>\n]+)>|(?<![\p{L}\p{N}])([*_~])(\S(?:[^\n]*?\S)?)\3(?![\p{L}\p{N}])/gu;
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    out.push(emoji(unescape(text.slice(end, match.index))));
    end = match.index + match[0].length;
    if (match[1] !== undefined) out.push(element("code", {}, unescape(plainReferences(match[1]))));
    else if (match[2] !== undefined) out.push(reference(match[2], names));
    else out.push(element({ "*": "strong", _: "em", "~": "s" }[match[3]], {}, ...inline(match[4], names)));
  }
  out.push(emoji(unescape(text.slice(end))));
  return out;
}

function reference(inner, names) {
  const bar = inner.indexOf("|");
  const target = bar < 0 ? inner : inner.slice(0, bar);
  const label = bar < 0 ? null : inner.slice(bar + 1);
  if (target.startsWith("@")) return mention(`@${names.user(target.slice(1))}`, names.isYou(target.slice(1)));
  if (target.startsWith("#")) return mention(`#${names.channel(target.slice(1))}`, false);
  if (target.startsWith("!subteam^")) {
    const id = target.slice("!subteam^".length);
    return mention(`@${names.group(id)}`, names.isYours(id));
  }
  if (target.startsWith("!date^")) return date(target, label);
  if (target.startsWith("!")) return mention(`@${label ?? target.slice(1)}`, true);
  return link(unescape(target), unescape(label ?? target));
}

const mention = (text, you) => element("span", { className: you ? "mention you" : "mention" }, text);

function date(target, label) {
  const [, epoch, template, url] = target.split("^");
  const fallback = unescape(label ?? "");
  const shown = element("time", { title: fallback }, slackDate(epoch, template ?? "", fallback));
  return url ? link(unescape(url), shown) : shown;
}

export function link(url, ...content) {
  const safe = /^(https?|mailto):/i.test(url);
  return safe ? element("a", { href: url, target: "_blank", rel: "noreferrer" }, ...content) : element("span", {}, ...content);
}

const plainReferences = (text) => text.replace(/<([^<>|\n]+)(?:\|([^<>\n]*))?>/g, (_, target, label) => label ?? target);

const unescape = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

const emoji = (text) => text.replace(/:([a-z0-9_+-]+):/g, (code, name) => EMOJI[name] ?? code);
