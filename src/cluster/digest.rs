//! Digests over what will be applied and what it replaces.

use k8s_openapi::api::core::v1::PodTemplateSpec;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Label that the Deployment controller adds to each `ReplicaSet`'s template.
pub(super) const TEMPLATE_HASH: &str = "pod-template-hash";

/// SHA-256, in hex, of anything's JSON with sorted keys.
#[must_use]
pub fn digest_of<T: Serialize + ?Sized>(value: &T) -> String {
    // A `Value` keeps its keys sorted, a struct its fields in order of declaration.
    let value = serde_json::to_value(value).unwrap_or_default();
    hex(&Sha256::digest(value.to_string()))
}

/// SHA-256 of a pod template, the same for a Deployment and for its `ReplicaSet`.
#[must_use]
pub fn template_digest(template: &PodTemplateSpec) -> String {
    let mut template = template.clone();
    if let Some(labels) = template.metadata.as_mut().and_then(|metadata| metadata.labels.as_mut()) {
        labels.remove(TEMPLATE_HASH);
    }
    digest_of(&template)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_controllers_own_label_does_not_count() {
        let plain: PodTemplateSpec =
            serde_json::from_value(serde_json::json!({"metadata": {"labels": {"app": "x"}}})).unwrap();
        let owned: PodTemplateSpec =
            serde_json::from_value(serde_json::json!({"metadata": {"labels": {"app": "x", "pod-template-hash": "1"}}}))
                .unwrap();
        let other: PodTemplateSpec =
            serde_json::from_value(serde_json::json!({"metadata": {"labels": {"app": "y"}}})).unwrap();
        assert_eq!(template_digest(&plain), template_digest(&owned));
        assert_ne!(template_digest(&plain), template_digest(&other));
    }
}
