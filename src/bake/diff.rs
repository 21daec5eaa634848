//! Lists the differences between two revisions, one per line, without secret values.

use std::collections::BTreeMap;

use kube::{ResourceExt, core::DynamicObject};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::{versioned::BASE_NAME_ANNOTATION, without_start};
use crate::text::truncate;

/// Lists the differences from `old` to `new` in at most `max_lines` lines. If there are more, the last line says how many.
#[must_use]
pub fn changes(old: &[DynamicObject], new: &[DynamicObject], max_lines: usize) -> Vec<String> {
    let (old, new) = (by_key(old), by_key(new));
    let mut lines = Vec::new();
    for (key, object) in &new {
        match old.get(key) {
            None => lines.push(format!("+ {key}")),
            Some(before) => compare_object(key, before, object, &mut lines),
        }
    }
    lines.extend(old.keys().filter(|key| !new.contains_key(*key)).map(|key| format!("- {key}")));
    if lines.len() > max_lines {
        let more = lines.len() - (max_lines - 1);
        lines.truncate(max_lines - 1);
        lines.push(format!("and {more} more"));
    }
    lines.into_iter().map(|line| truncate(&line, 200)).collect()
}

fn by_key(objects: &[DynamicObject]) -> BTreeMap<String, &DynamicObject> {
    let key = |object: &DynamicObject| {
        let name = object.annotations().get(BASE_NAME_ANNOTATION).cloned().unwrap_or_else(|| object.name_any());
        format!("{} {name}", object.types.as_ref().map_or("", |types| types.kind.as_str()))
    };
    objects.iter().map(|object| (key(object), object)).collect()
}

fn compare_object(key: &str, old: &DynamicObject, new: &DynamicObject, lines: &mut Vec<String>) {
    let is_secret = key.starts_with("Secret ");
    let (old, new) = (flatten_object(old), flatten_object(new));
    let paths: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for path in paths {
        let (before, after) = (old.get(path), new.get(path));
        if before == after {
            continue;
        }
        if is_secret {
            lines.push(format!("~ {key} {path}: changed"));
        } else if [before, after].into_iter().flatten().any(|text| text.contains('\n')) {
            compare_lines(key, before, after, lines);
        } else {
            match (before, after) {
                (Some(before), Some(after)) => lines.push(format!("~ {key} {path}: {before} → {after}")),
                (None, Some(after)) => lines.push(format!("+ {key} {path}: {after}")),
                (Some(before), None) => lines.push(format!("- {key} {path}: {before}")),
                (None, None) => {}
            }
        }
    }
}

fn compare_lines(key: &str, before: Option<&String>, after: Option<&String>, lines: &mut Vec<String>) {
    let empty = String::new();
    let diff = TextDiff::from_lines(before.unwrap_or(&empty).as_str(), after.unwrap_or(&empty).as_str());
    for change in diff.iter_all_changes() {
        let mark = match change.tag() {
            ChangeTag::Equal => continue,
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
        };
        lines.push(format!("{mark} {key}: {}", change.value().trim_end()));
    }
}

/// Lists the paths at which two values differ, without the values.
#[must_use]
pub fn differing_fields(old: &Value, new: &Value) -> Vec<String> {
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    flatten(String::new(), old, &mut before);
    flatten(String::new(), new, &mut after);
    let paths: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut differ: Vec<String> =
        paths.into_iter().filter(|path| before.get(*path) != after.get(*path)).cloned().collect();
    if differ.is_empty() && old != new {
        differ.push("the order of its lists".to_owned());
    }
    differ
}

/// Maps the path of every scalar in an object to its value. Leaves out the fields that differ in every revision.
fn flatten_object(object: &DynamicObject) -> BTreeMap<String, String> {
    let mut data = object.data.clone();
    if let Some(template) = data.pointer_mut("/spec/template") {
        *template = without_start(template);
    }
    if let Value::Object(fields) = &mut data {
        fields.remove("status");
        fields.remove("immutable");
    }
    let mut found = BTreeMap::new();
    flatten(String::new(), &data, &mut found);
    found
}

fn flatten(path: String, value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(path, value, found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let name = item.get("name").and_then(Value::as_str).map_or_else(|| index.to_string(), str::to_owned);
                flatten(format!("{path}[{name}]"), item, found);
            }
        }
        Value::String(text) => {
            found.insert(path, text.clone());
        }
        Value::Null => {}
        other => {
            found.insert(path, other.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_named_without_its_value() {
        let template = |image: &str, key: &str| {
            let env = serde_json::json!([{"name": "KEY", "value": key}]);
            serde_json::json!({"spec": {"containers": [{"name": "main", "image": image, "env": env}]}})
        };
        let differ = differing_fields(&template("a:1", "hunter2"), &template("a:2", "hunter3"));
        assert_eq!(differ, ["spec.containers[main].env[KEY].value", "spec.containers[main].image"]);
        assert!(differing_fields(&template("a:1", "x"), &template("a:1", "x")).is_empty());
        let list = |items: &[&str]| serde_json::json!({"list": items.iter().map(|name| serde_json::json!({"name": name})).collect::<Vec<_>>()});
        assert_eq!(differing_fields(&list(&["a", "b"]), &list(&["b", "a"])), ["the order of its lists"]);
    }

    #[test]
    fn a_plan_lists_changes_without_secret_values() {
        let old = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  config.yaml: |\n    a: 1\n    b: 2\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: gone}\n";
        let new = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  config.yaml: |\n    a: 1\n    b: 3\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter3}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: tm}\n";
        let parse = |text| super::super::helm::parse_objects(text).unwrap();
        insta::assert_snapshot!(changes(&parse(old), &parse(new), 20).join("\n"), @r"
        - ConfigMap c: b: 2
        + ConfigMap c: b: 3
        + Deployment tm
        ~ Secret s stringData.password: changed
        - Service gone
        ");
        assert_eq!(changes(&parse(old), &parse(new), 2), ["- ConfigMap c: b: 2", "and 4 more"]);
    }
}
