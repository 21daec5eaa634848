//! The digest of a pod template.

use k8s_openapi::api::core::v1::PodTemplateSpec;

use crate::digest::digest_of;

/// Label that the Deployment controller adds to the template of each `ReplicaSet`.
pub(super) const TEMPLATE_HASH: &str = "pod-template-hash";

/// SHA-256 of a pod template. It is the same for a Deployment and for its `ReplicaSet`.
#[must_use]
pub fn template_digest(template: &PodTemplateSpec) -> String {
    let mut template = template.clone();
    if let Some(labels) = template.metadata.as_mut().and_then(|metadata| metadata.labels.as_mut()) {
        labels.remove(TEMPLATE_HASH);
    }
    digest_of(&template)
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
