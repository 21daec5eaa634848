//! What a `ConfigMap` or Secret holds, as the API server keeps it: a chart may write the same in other ways.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use kube::core::DynamicObject;
use serde_json::Value;

use super::object::kind_of;

/// Whether two `ConfigMaps`, or two Secrets, hold the same.
#[must_use]
pub fn same_content(left: &DynamicObject, right: &DynamicObject) -> bool {
    content(left) == content(right)
}

/// A text of a Secret's `stringData` as its `data` holds it.
#[must_use]
pub fn encoded(text: &Value) -> Value {
    let bytes = text.as_str().unwrap_or_default().as_bytes().to_vec();
    serde_json::to_value(ByteString(bytes)).unwrap_or_default()
}

/// Every entry by its place, with the API server's defaults: no value is an empty one, and a Secret without a type is Opaque.
fn content(object: &DynamicObject) -> BTreeMap<(&'static str, String), Value> {
    let secret = kind_of(object) == "Secret";
    let mut all = BTreeMap::new();
    for (key, place) in [("data", "data"), ("binaryData", "binaryData"), ("stringData", "data")] {
        for (name, value) in object.data.get(key).and_then(Value::as_object).into_iter().flatten() {
            let value = match value {
                Value::Null => Value::String(String::new()),
                text if key == "stringData" => encoded(text),
                // Base64 may be broken into lines.
                Value::String(text) if secret || key == "binaryData" => Value::String(text.replace(['\n', '\r'], "")),
                other => other.clone(),
            };
            all.insert((place, name.clone()), value);
        }
    }
    if secret {
        let kind = object.data.get("type").filter(|kind| kind.as_str().is_some_and(|kind| !kind.is_empty()));
        all.insert(("type", String::new()), kind.cloned().unwrap_or_else(|| Value::from("Opaque")));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: &str, fields: &Value) -> DynamicObject {
        let mut object = serde_json::json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}});
        object.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn what_the_api_server_adds_is_no_difference() {
        for (kind, rendered, live) in [
            ("Secret", r#"{"data":{"a":"bm9uZQ=="}}"#, r#"{"type":"Opaque","data":{"a":"bm9uZQ=="}}"#),
            ("Secret", r#"{"stringData":{"a":"none"}}"#, r#"{"type":"Opaque","data":{"a":"bm9uZQ=="}}"#),
            ("Secret", r#"{"data":{"a":"bm9\nuZQ==\n"}}"#, r#"{"type":"Opaque","data":{"a":"bm9uZQ=="}}"#),
            ("Secret", r#"{"type":"","data":null}"#, r#"{"type":"Opaque"}"#),
            ("ConfigMap", r#"{"data":null}"#, r"{}"),
            ("ConfigMap", r#"{"data":{"a":null},"binaryData":{}}"#, r#"{"data":{"a":""}}"#),
        ] {
            let parse = |text: &str| object(kind, &serde_json::from_str(text).unwrap());
            assert!(same_content(&parse(rendered), &parse(live)), "{kind} {rendered}");
        }
    }

    #[test]
    fn other_content_is_other_content() {
        let differ = |kind: &str, left: Value, right: Value| {
            assert!(!same_content(&object(kind, &left), &object(kind, &right)), "{left} {right}");
        };
        differ("ConfigMap", serde_json::json!({"data": {"a": "1"}}), serde_json::json!({"data": {"a": "1\n"}}));
        differ(
            "ConfigMap",
            serde_json::json!({"data": {"a": "MQ=="}}),
            serde_json::json!({"binaryData": {"a": "MQ=="}}),
        );
        differ("Secret", serde_json::json!({"type": "Opaque"}), serde_json::json!({"type": "kubernetes.io/tls"}));
    }
}
