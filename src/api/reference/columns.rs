//! What the columns of docs/reference.md say about one field.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The link that a browser of Markdown makes of a heading.
pub(super) fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

pub(super) fn description(schema: &Value) -> String {
    schema["description"]
        .as_str()
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}

pub(super) fn type_of(schema: &Value) -> String {
    let text = |key: &str| schema[key].as_str().unwrap_or_default().to_owned();
    match (text("type").as_str(), text("format").as_str()) {
        (_, "date-time") => "time".to_owned(),
        ("array", _) => format!("list of {}", type_of(&schema["items"])),
        ("object", _) if schema["additionalProperties"].is_object() => {
            format!("map of string to {}", type_of(&schema["additionalProperties"]))
        }
        ("object", _) if schema["x-kubernetes-preserve-unknown-fields"] == true => "any object".to_owned(),
        (kind, _) => kind.to_owned(),
    }
}

/// The unit of a number, from the field's name or else from its description.
pub(super) fn unit(name: &str, schema: &Value) -> &'static str {
    if !matches!(schema["type"].as_str(), Some("integer" | "number")) {
        return "";
    }
    let text = description(schema);
    let units = [("Millis", "milliseconds"), ("Seconds", "seconds"), ("Bytes", "bytes")];
    let named = units.iter().find(|(end, _)| name.ends_with(end));
    let described = || units.iter().find(|(_, unit)| text.contains(unit));
    named.or_else(described).map_or("", |(_, unit)| unit)
}

pub(super) fn limits(schema: &Value) -> String {
    let Some(schema) = schema.as_object() else { return String::new() };
    let mut limits: Vec<String> =
        [("minimum", "maximum", ""), ("minLength", "maxLength", " characters"), ("minItems", "maxItems", " items")]
            .into_iter()
            .filter_map(|(min, max, of)| range(schema, min, max, of))
            .collect();
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
        limits.push(format!("matches `{}`", pattern.replace('|', "\\|")));
    }
    if let Some(keys) = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array) {
        let keys: Vec<String> = keys.iter().filter_map(Value::as_str).map(|key| format!("`{key}`")).collect();
        limits.push(format!("each {} once", keys.join(" and ")));
    }
    limits.join(", ")
}

fn range(schema: &Map<String, Value>, min: &str, max: &str, of: &str) -> Option<String> {
    let number = |key: &str| schema.get(key).and_then(Value::as_f64);
    match (number(min), number(max)) {
        (Some(min), Some(max)) => Some(format!("{min} to {max}{of}")),
        (Some(min), None) => Some(format!("at least {min}{of}")),
        (None, Some(max)) => Some(format!("at most {max}{of}")),
        (None, None) => None,
    }
}

/// The allowed values of a field, each with what it means.
pub(super) fn values(schema: &Value, documented: &Value) -> String {
    let Some(values) = schema["enum"].as_array() else { return String::new() };
    let mut meanings = BTreeMap::new();
    collect_meanings(documented, &mut meanings);
    let each = values.iter().filter_map(Value::as_str).map(|value| {
        let meaning = meanings.get(value).map_or_else(String::new, |meaning| format!(": {meaning}"));
        format!("<br>- `{value}`{meaning}")
    });
    each.collect()
}

fn collect_meanings(schema: &Value, meanings: &mut BTreeMap<String, String>) {
    let value = schema.get("const").or_else(|| schema["enum"].as_array().filter(|all| all.len() == 1)?.first());
    if let Some(value) = value.and_then(Value::as_str) {
        meanings.insert(value.to_owned(), description(schema));
    }
    for group in ["oneOf", "anyOf", "allOf"] {
        schema[group].as_array().into_iter().flatten().for_each(|inner| collect_meanings(inner, meanings));
    }
    if schema["items"].is_object() {
        collect_meanings(&schema["items"], meanings);
    }
}
