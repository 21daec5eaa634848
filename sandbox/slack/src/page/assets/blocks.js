// Renders Block Kit as elements.
import { element } from "./dom.js";
import { mrkdwn, plain } from "./mrkdwn.js";

/** Renders all blocks. `context` has `names`, and `press(element, value, control)` for buttons and menus. */
export const renderBlocks = (blocks, context) => blocks.map((block) => renderBlock(block, context));

function renderBlock(block, context) {
  const kinds = { header, section, context: contextBlock, divider, actions, image };
  const make = kinds[block.type];
  return make ? make(block, context) : element("p", { className: "block" }, `[${block.type}]`);
}

const header = (block) => element("h3", { className: "block block-header" }, plain(block.text.text));

const divider = () => element("hr", { className: "block block-divider" });

const image = (block) =>
  element("figure", { className: "block block-image" }, element("img", { src: block.image_url, alt: block.alt_text }));

function section(block, context) {
  const fields = block.fields?.map((field) => text(field, context));
  const accessory = block.accessory && element("div", { className: "block-accessory" }, control(block.accessory, context));
  return element("div", { className: "block block-section" },
    block.text ? text(block.text, context) : null,
    fields ? element("div", { className: "block-fields" }, ...fields) : null,
    accessory ?? null);
}

function contextBlock(block, context) {
  const part = (one) => (one.type === "image" ? element("img", { src: one.image_url, alt: one.alt_text }) : text(one, context));
  return element("div", { className: "block block-context" }, ...block.elements.map(part));
}

function actions(block, context) {
  const controls = block.elements.map((one) => control(one, context));
  return element("div", { className: "block block-actions", role: "group", "aria-label": "Actions" }, ...controls);
}

const text = (object, context) => (object.type === "mrkdwn" ? mrkdwn(object.text, context.names) : plain(object.text));

function control(one, context) {
  if (one.type === "image") return element("img", { src: one.image_url, alt: one.alt_text });
  return one.type === "button" ? button(one, context) : menu(one, context);
}

function button(one, context) {
  const made = element("button", {
    type: "button",
    className: `kit-button ${one.style ?? ""}`,
    "aria-label": one.accessibility_label,
    "data-focus": `${one.action_id}/${one.value ?? ""}`,
    "data-action": one.action_id,
  }, one.text.text);
  made.addEventListener("click", () => {
    if (one.url) window.open(one.url, "_blank", "noreferrer");
    context.press(one, one.value, made);
  });
  return made;
}

function menu(one, context) {
  const placeholder = element("option", { value: "", selected: true, disabled: true }, one.placeholder?.text ?? "Choose…");
  const options = one.options.map((option) => element("option", { value: option.value }, option.text.text));
  const made = element("select", {
    className: "kit-select",
    "aria-label": one.placeholder?.text ?? "Choose",
    "data-focus": one.action_id,
    "data-action": one.action_id,
  }, placeholder, ...options);
  made.addEventListener("change", () => context.press(one, made.value, made));
  return made;
}
