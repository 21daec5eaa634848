//! Finds the values of sensitive keys with a parser.

use serde_json::Value;

use super::keys::is_sensitive;

/// The values of sensitive keys in a text that is YAML or JSON.
#[must_use]
pub fn sensitive_values(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(root) = serde_saphyr::from_str::<Value>(text) {
        collect(&root, "", &mut found);
    }
    found
}

fn collect(node: &Value, path: &str, found: &mut Vec<String>) {
    match node {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| collect(value, &format!("{path}.{key}"), found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, path, found)),
        Value::String(text) if is_sensitive(path) => found.push(text.clone()),
        Value::Number(number) if is_sensitive(path) => found.push(number.to_string()),
        _ => {}
    }
}
