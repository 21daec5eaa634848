//! Reads the secret values of objects and of Helm's values.

use k8s_openapi::ByteString;
use kube::core::DynamicObject;
use serde_json::Value;

use crate::{
    cluster::kind_of,
    secrets::{Redactor, sensitive_values},
};

/// Knows the values of all Secrets among the objects.
#[must_use]
pub fn known_secrets(objects: &[DynamicObject]) -> Redactor {
    let mut known = Redactor::default();
    for object in objects.iter().filter(|object| kind_of(object) == "Secret") {
        let texts = |field: &str| object.data.get(field).and_then(Value::as_object).into_iter().flatten();
        for (_, value) in texts("data").chain(texts("stringData")) {
            // The API server may quote the encoded form of `data` when it refuses an object.
            known.learn(value.as_str().unwrap_or_default());
        }
        for (_, value) in texts("data") {
            let bytes = serde_json::from_value::<ByteString>(value.clone()).ok();
            let text = bytes.and_then(|bytes| String::from_utf8(bytes.0).ok());
            known.learn(text.as_deref().unwrap_or_default());
        }
    }
    known
}

/// Knows the values of sensitive keys in Helm's values. A chart that fails may quote them.
#[must_use]
pub fn secrets_in_values(values: &Value) -> Redactor {
    let mut known = Redactor::default();
    for value in sensitive_values(&values.to_string()) {
        known.learn(&value);
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_of_secrets_are_known_in_both_forms() {
        let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: aHVudGVyMg==}\nstringData: {b: hunter3}\n---\n\
                    apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: ordinary}\n";
        let known = known_secrets(&super::super::helm::parse_objects(text).unwrap());
        assert_eq!(known.mask_values("hunter2, hunter3, aHVudGVyMg==, ordinary"), "***, ***, ***, ordinary");
    }

    #[test]
    fn the_secrets_of_helms_values_are_known() {
        let known = secrets_in_values(&serde_json::json!({"db": {"password": "hunter2", "host": "db-1"}}));
        assert_eq!(known.mask("cannot use hunter2 on db-1"), "cannot use *** on db-1");
    }
}
