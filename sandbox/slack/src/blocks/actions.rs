//! Finds the element that a person presses, and describes it for the app.

use serde_json::{Map, Value, json};

/// The element that a person pressed, with the id of its block.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PressedElement {
    pub(crate) block_id: String,
    pub(crate) element: Value,
}

/// Finds the element with this `action_id`.
///
/// `value` selects one of several elements with the same `action_id`, or an option of a menu.
pub(crate) fn find_element(blocks: &[Value], action_id: &str, value: Option<&str>) -> Option<PressedElement> {
    let elements = blocks.iter().flat_map(|block| {
        let inner = block.get("elements").and_then(Value::as_array).into_iter().flatten();
        inner.chain(block.get("accessory")).map(move |element| (block, element))
    });
    elements
        .filter(|(_, element)| element.get("action_id").is_some_and(|id| id == action_id))
        .find(|(_, element)| value.is_none_or(|value| has_value(element, value)))
        .map(|(block, element)| PressedElement { block_id: string_field(block, "block_id"), element: element.clone() })
}

impl PressedElement {
    /// The entry of `actions` in the payload.
    pub(crate) fn to_action(&self, value: Option<&str>, action_ts: &str) -> Value {
        let mut action = Map::new();
        for name in ["type", "action_id", "text", "value", "style", "confirm", "url"] {
            if let Some(field) = self.element.get(name) {
                action.insert(name.into(), field.clone());
            }
        }
        if let Some(option) = value.and_then(|value| self.find_option(value)) {
            action.insert("selected_option".into(), option);
        }
        action.insert("block_id".into(), json!(self.block_id));
        action.insert("action_ts".into(), json!(action_ts));
        Value::Object(action)
    }

    /// The label on the screen.
    pub(crate) fn label(&self) -> String {
        self.element.pointer("/text/text").and_then(Value::as_str).unwrap_or("the menu").to_owned()
    }

    fn find_option(&self, value: &str) -> Option<Value> {
        let options = self.element.get("options")?.as_array()?;
        options.iter().find(|option| option.get("value").is_some_and(|known| known == value)).cloned()
    }
}

fn has_value(element: &Value, value: &str) -> bool {
    let own = element.get("value").is_some_and(|known| known == value);
    let options = element.get("options").and_then(Value::as_array).into_iter().flatten();
    own || options.into_iter().any(|option| option.get("value").is_some_and(|known| known == value))
}

fn string_field(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}
