// Builds elements. Text is always set as text, so that no message can inject HTML.

/** Creates an element with properties, `data-*` and `aria-*` attributes, and children. Children that are null are left out. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.includes("-") || name === "role") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

export const byId = (id) => document.getElementById(id);

/**
 * Makes `list` show `items`. Elements of unchanged items stay, so that focus, selection and scroll position survive.
 * Each item has a `key`, and a `signature` that differs after a change. `build` creates its element.
 */
export function reconcile(list, items, build) {
  const known = new Map([...list.children].map((child) => [child.dataset.key, child]));
  const focus = focusWithin(list);
  items.forEach((item, index) => {
    let child = known.get(item.key);
    known.delete(item.key);
    if (!child || child.signature !== item.signature) {
      const fresh = build(item);
      fresh.dataset.key = item.key;
      fresh.signature = item.signature;
      child?.replaceWith(fresh);
      child = fresh;
    }
    if (list.children[index] !== child) list.insertBefore(child, list.children[index] ?? null);
  });
  known.forEach((child) => child.remove());
  focus?.();
}

/** Stores which control has the focus, and returns a function that restores it. */
function focusWithin(list) {
  const active = document.activeElement;
  const item = active?.closest?.("li");
  if (!item || item.parentElement !== list || !active.dataset.focus) return null;
  const { key } = item.dataset;
  const { focus } = active.dataset;
  return () => {
    if (list.contains(document.activeElement)) return;
    const again = [...list.children].find((child) => child.dataset.key === key);
    [...(again?.querySelectorAll("[data-focus]") ?? [])].find((control) => control.dataset.focus === focus)?.focus();
  };
}
