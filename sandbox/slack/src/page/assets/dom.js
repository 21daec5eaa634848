// Building elements. Text is always set as text, so that no message can bring markup of its own.

/** An element with properties, `data-*` and `aria-*` attributes, and children (elements or strings; null is left out). */
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
 * Makes `list` show `items`, keeping the elements of those that did not change, so that focus, selection and the place of
 * the scroll bar survive. Each item has a `key`, and a `signature` that tells whether it changed; `build` makes its element.
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

/** Remembers which control of which item has the focus, and gives a function that puts it back. */
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
