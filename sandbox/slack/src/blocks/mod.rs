//! Block Kit: checks blocks, adds the ids that Slack adds, and finds the element that a person presses.
//!
//! The limits come from Slack's block reference. Kinds of blocks that the simulator cannot show are refused too.

mod actions;
mod check;
mod elements;
mod metadata;
mod report;
mod text;

use serde_json::{Value, json};

pub(crate) use actions::{PressedElement, find_element};
pub(crate) use check::check;
pub(crate) use metadata::check_metadata;

/// Adds the fields that Slack adds to stored blocks: `block_id`, `action_id`, and the defaults of text objects.
pub(crate) fn add_defaults(blocks: &mut [Value]) {
    for block in blocks {
        add_id(block, "block_id");
        for list in ["elements", "fields"] {
            let Some(items) = block.get_mut(list).and_then(Value::as_array_mut) else { continue };
            items.iter_mut().for_each(add_part_defaults);
        }
        for part in ["text", "accessory", "title"] {
            if let Some(part) = block.get_mut(part) {
                add_part_defaults(part);
            }
        }
    }
}

fn add_part_defaults(part: &mut Value) {
    match part.get("type").and_then(Value::as_str) {
        Some("mrkdwn") => set_default(part, "verbatim", &json!(false)),
        Some("plain_text") => set_default(part, "emoji", &json!(true)),
        Some("button" | "static_select" | "overflow" | "radio_buttons") => {
            add_id(part, "action_id");
            if let Some(text) = part.get_mut("text") {
                add_part_defaults(text);
            }
        }
        _ => (),
    }
}

fn add_id(part: &mut Value, name: &str) {
    let random = uuid::Uuid::new_v4().simple().to_string();
    set_default(part, name, &json!(random[..5]));
}

fn set_default(part: &mut Value, name: &str, default: &Value) {
    if let Some(fields) = part.as_object_mut() {
        fields.entry(name).or_insert_with(|| default.clone());
    }
}
