//! Finding the element that a person presses, and what Slack then tells the app about it.

use serde_json::{Map, Value, json};

/// An element of a message that was pressed, with the block that holds it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pressed {
    pub(crate) block_id: String,
    pub(crate) element: Value,
}

/// The element with this `action_id`. `value` tells apart elements of different blocks that share one, and chooses among
/// the options of a menu.
pub(crate) fn find_element(blocks: &[Value], action_id: &str, value: Option<&str>) -> Option<Pressed> {
    let elements = blocks.iter().flat_map(|block| {
        let inner = block.get("elements").and_then(Value::as_array).into_iter().flatten();
        inner.chain(block.get("accessory")).map(move |element| (block, element))
    });
    elements
        .filter(|(_, element)| element.get("action_id").is_some_and(|id| id == action_id))
        .find(|(_, element)| value.is_none_or(|value| has_value(element, value)))
        .map(|(block, element)| Pressed { block_id: text(block, "block_id"), element: element.clone() })
}

impl Pressed {
    /// One entry of `actions` in the payload.
    pub(crate) fn to_action(&self, value: Option<&str>, action_ts: &str) -> Value {
        let mut action = Map::new();
        for name in ["type", "action_id", "text", "value", "style", "confirm", "url"] {
            if let Some(field) = self.element.get(name) {
                action.insert(name.into(), field.clone());
            }
        }
        if let Some(option) = value.and_then(|value| self.option(value)) {
            action.insert("selected_option".into(), option);
        }
        action.insert("block_id".into(), json!(self.block_id));
        action.insert("action_ts".into(), json!(action_ts));
        Value::Object(action)
    }

    /// What it is called on the screen.
    pub(crate) fn label(&self) -> String {
        self.element.pointer("/text/text").and_then(Value::as_str).unwrap_or("the menu").to_owned()
    }

    fn option(&self, value: &str) -> Option<Value> {
        let options = self.element.get("options")?.as_array()?;
        options.iter().find(|option| option.get("value").is_some_and(|known| known == value)).cloned()
    }
}

fn has_value(element: &Value, value: &str) -> bool {
    let own = element.get("value").is_some_and(|known| known == value);
    let options = element.get("options").and_then(Value::as_array).into_iter().flatten();
    own || options.into_iter().any(|option| option.get("value").is_some_and(|known| known == value))
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}
