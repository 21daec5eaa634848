//! Compares the content of `ConfigMaps` and Secrets in the form that the API server stores. A chart can write the same content in other forms.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use kube::core::DynamicObject;
use serde_json::Value;

use super::object::kind_of;

/// Whether two `ConfigMaps`, or two Secrets, have the same content.
#[must_use]
pub fn same_content(left: &DynamicObject, right: &DynamicObject) -> bool {
    normalize(left) == normalize(right)
}

/// Converts a text of a Secret's `stringData` to the form it has in `data`.
#[must_use]
pub fn encode_secret_text(text: &Value) -> Value {
    let bytes = text.as_str().unwrap_or_default().as_bytes().to_vec();
    serde_json::to_value(ByteString(bytes)).unwrap_or_default()
}

/// Every entry by field and key, with the API server's defaults: null becomes empty text, and a Secret without a type is Opaque.
fn normalize(object: &DynamicObject) -> BTreeMap<(&'static str, String), Value> {
    let secret = kind_of(object) == "Secret";
    let mut entries = BTreeMap::new();
    for (field, stored_in) in [("data", "data"), ("binaryData", "binaryData"), ("stringData", "data")] {
        for (name, value) in object.data.get(field).and_then(Value::as_object).into_iter().flatten() {
            let value = match value {
                Value::Null => Value::String(String::new()),
                text if field == "stringData" => encode_secret_text(text),
                // Base64 may contain line breaks.
                Value::String(text) if secret || field == "binaryData" => Value::String(text.replace(['\n', '\r'], "")),
                other => other.clone(),
            };
            entries.insert((stored_in, name.clone()), value);
        }
    }
    if secret {
        let kind = object.data.get("type").filter(|kind| kind.as_str().is_some_and(|kind| !kind.is_empty()));
        entries.insert(("type", String::new()), kind.cloned().unwrap_or_else(|| Value::from("Opaque")));
    }
    entries
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
    fn defaults_of_the_api_server_are_not_a_difference() {
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
    fn different_content_is_a_difference() {
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
