//! Block Kit: what Slack refuses, the ids that it adds, and finding the element that a person presses.
//!
//! Limits are those of Slack's block reference. Kinds of blocks and elements that the simulator cannot show are refused
//! too, with a message that says so.

mod actions;
mod check;
mod elements;
mod metadata;
mod report;
mod text;

use serde_json::{Value, json};

pub(crate) use actions::{Pressed, find_element};
pub(crate) use check::check;
pub(crate) use metadata::check_metadata;

/// Adds what Slack adds when it stores blocks: `block_id`, `action_id`, and the defaults of text objects.
pub(crate) fn complete(blocks: &mut [Value]) {
    for block in blocks {
        add_id(block, "block_id");
        for list in ["elements", "fields"] {
            let Some(items) = block.get_mut(list).and_then(Value::as_array_mut) else { continue };
            items.iter_mut().for_each(complete_part);
        }
        for part in ["text", "accessory", "title"] {
            if let Some(part) = block.get_mut(part) {
                complete_part(part);
            }
        }
    }
}

fn complete_part(part: &mut Value) {
    match part.get("type").and_then(Value::as_str) {
        Some("mrkdwn") => set_default(part, "verbatim", &json!(false)),
        Some("plain_text") => set_default(part, "emoji", &json!(true)),
        Some("button" | "static_select" | "overflow" | "radio_buttons") => {
            add_id(part, "action_id");
            if let Some(text) = part.get_mut("text") {
                complete_part(text);
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
