//! Who owns the fields of an object, as `managedFields` says.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry};
use serde_json::Value;

/// Our field manager.
pub(super) const MANAGER: &str = "lockkeeper";
/// The managers of tools that deploy a whole object. Helm 3 updates, Helm 4 applies.
const DEPLOYERS: [&str; 2] = ["helm", "kubectl-client-side-apply"];
const APPLY: &str = "Apply";

/// The entries after we took over what another deployer owned. None if we have applied the object before, or nobody deployed it.
pub(super) fn take_over(entries: &[ManagedFieldsEntry]) -> Option<Vec<ManagedFieldsEntry>> {
    let is_main = |entry: &&ManagedFieldsEntry| entry.subresource.as_deref().unwrap_or_default().is_empty();
    let is_ours = |entry: &ManagedFieldsEntry| {
        entry.manager.as_deref() == Some(MANAGER) && entry.operation.as_deref() == Some(APPLY)
    };
    if entries.iter().any(is_ours) {
        return None;
    }
    let is_deployers = |entry: &&ManagedFieldsEntry| {
        is_main(entry) && entry.manager.as_deref().is_some_and(|manager| DEPLOYERS.contains(&manager))
    };
    let theirs: Vec<&ManagedFieldsEntry> = entries.iter().filter(is_deployers).collect();
    let first = *theirs.first()?;
    let mut fields = Value::Null;
    for entry in &theirs {
        merge(&mut fields, entry.fields_v1.as_ref().map_or(&Value::Null, |fields| &fields.0));
    }
    let ours = ManagedFieldsEntry {
        manager: Some(MANAGER.to_owned()),
        operation: Some(APPLY.to_owned()),
        fields_v1: Some(FieldsV1(fields)),
        ..first.clone()
    };
    let others = entries.iter().filter(|entry| !is_deployers(entry)).cloned();
    Some(others.chain([ours]).collect())
}

/// Adds one set of fields to another. A set is a tree of objects, and its leaves are empty objects.
fn merge(into: &mut Value, from: &Value) {
    let Value::Object(from) = from else { return };
    if !into.is_object() {
        *into = Value::Object(serde_json::Map::new());
    }
    for (key, value) in from {
        merge(&mut into[key], value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, operation: &str, fields: serde_json::Value) -> ManagedFieldsEntry {
        ManagedFieldsEntry {
            manager: Some(manager.to_owned()),
            operation: Some(operation.to_owned()),
            fields_v1: Some(FieldsV1(fields)),
            ..Default::default()
        }
    }

    #[test]
    fn the_fields_of_every_deployer_become_ours() {
        let status = ManagedFieldsEntry {
            subresource: Some("status".to_owned()),
            ..entry("helm", "Update", serde_json::json!({"f:status": {}}))
        };
        let entries = [
            entry("helm", "Update", serde_json::json!({"f:data": {"f:a": {}, ".": {}}})),
            entry("kubectl-edit", "Update", serde_json::json!({"f:data": {"f:c": {}}})),
            entry("kubectl-client-side-apply", "Update", serde_json::json!({"f:data": {"f:b": {}}})),
            status.clone(),
        ];
        let ours = entry(MANAGER, "Apply", serde_json::json!({"f:data": {"f:a": {}, ".": {}, "f:b": {}}}));
        assert_eq!(take_over(&entries), Some(vec![entries[1].clone(), status, ours.clone()]));
        assert_eq!(take_over(&[ours, entries[0].clone()]), None, "applied before");
        assert_eq!(take_over(&entries[1..2]), None, "a person who edits does not deploy the object");
    }
}
