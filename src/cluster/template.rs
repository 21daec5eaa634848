//! Computes the digest of a pod template.

use k8s_openapi::api::core::v1::PodTemplateSpec;

use crate::digest::digest_of;

/// The Deployment controller adds this label to the template of each `ReplicaSet`.
pub(super) const TEMPLATE_HASH: &str = "pod-template-hash";

/// The SHA-256 of a pod template. A Deployment and its `ReplicaSet` have the same digest.
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
    fn the_label_of_the_deployment_controller_does_not_change_the_digest() {
        let plain: PodTemplateSpec =
            serde_json::from_value(serde_json::json!({"metadata": {"labels": {"app": "x"}}})).unwrap();
        let labelled: PodTemplateSpec =
            serde_json::from_value(serde_json::json!({"metadata": {"labels": {"app": "x", "pod-template-hash": "1"}}}))
                .unwrap();
        let other: PodTemplateSpec =
            serde_json::from_value(serde_json::json!({"metadata": {"labels": {"app": "y"}}})).unwrap();
        assert_eq!(template_digest(&plain), template_digest(&labelled));
        assert_ne!(template_digest(&plain), template_digest(&other));
    }
}
