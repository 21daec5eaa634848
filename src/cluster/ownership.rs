//! Which `ReplicaSets` and pods belong to a Deployment, also after it was deleted or created again.
//!
//! Owner references and names decide, never the labels of a selector: people change labels, and a recreated Deployment may select others.

use std::collections::{BTreeMap, BTreeSet};

use kube::ResourceExt;

use super::template::TEMPLATE_HASH;

/// Whether a Deployment of this name owns the `ReplicaSet` or has orphaned it. The Deployment may be deleted or recreated since.
pub(super) fn is_replica_set_of<K: ResourceExt>(set: &K, deployment: &str) -> bool {
    let owners = set.owner_references();
    let owned = owners.iter().any(|owner| owner.kind == "Deployment" && owner.name == deployment);
    let has_its_name = replica_set_name(set.labels(), deployment).is_some_and(|name| name == set.name_any());
    owned || (owners.is_empty() && has_its_name)
}

/// Whether one of the `ReplicaSets` owns the pod, or a deleted `ReplicaSet` of the Deployment did.
///
/// The garbage collector may delete a `ReplicaSet` before its pods have ended.
pub(super) fn is_pod_of<K: ResourceExt>(pod: &K, sets: &BTreeSet<String>, deployment: &str) -> bool {
    let owners = pod.owner_references();
    if owners.iter().any(|owner| sets.contains(&owner.uid)) {
        return true;
    }
    let Some(set) = replica_set_name(pod.labels(), deployment) else { return false };
    let set_was_owner = owners.iter().any(|owner| owner.kind == "ReplicaSet" && owner.name == set);
    set_was_owner || (owners.is_empty() && pod.name_any().starts_with(&format!("{set}-")))
}

/// The name of the Deployment's `ReplicaSet` that has these labels, or whose pod has them.
fn replica_set_name(labels: &BTreeMap<String, String>, deployment: &str) -> Option<String> {
    labels.get(TEMPLATE_HASH).map(|hash| format!("{deployment}-{hash}"))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::{apps::v1::ReplicaSet, core::v1::Pod};

    use super::*;

    fn orphan(name: &str, hash: &str, owner: Option<(&str, &str)>) -> serde_json::Value {
        let owners: Vec<_> = owner
            .iter()
            .map(|(kind, name)| serde_json::json!({"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": name}))
            .collect();
        serde_json::json!({
            "metadata": {"name": name, "labels": {"pod-template-hash": hash}, "ownerReferences": owners},
        })
    }

    #[test]
    fn orphaned_objects_belong_to_the_deployment_with_their_name() {
        let set = |name: &str, owner| -> ReplicaSet { serde_json::from_value(orphan(name, "ab1", owner)).unwrap() };
        assert!(is_replica_set_of(&set("jm-ab1", None), "jm"));
        assert!(is_replica_set_of(&set("jm-ab1", Some(("Deployment", "jm"))), "jm"));
        assert!(!is_replica_set_of(&set("jm-eu-ab1", None), "jm"), "a Deployment with the same prefix owns it");
        assert!(!is_replica_set_of(&set("jm-ab1", Some(("Rollout", "jm"))), "jm"));
        let pod = |name: &str, owner| -> Pod { serde_json::from_value(orphan(name, "ab1", owner)).unwrap() };
        let none = BTreeSet::new();
        assert!(is_pod_of(&pod("jm-ab1-x", Some(("ReplicaSet", "jm-ab1"))), &none, "jm"), "its ReplicaSet is deleted");
        assert!(is_pod_of(&pod("jm-ab1-x", None), &none, "jm"));
        assert!(is_pod_of(&pod("any", Some(("ReplicaSet", "any"))), &BTreeSet::from(["any".to_owned()]), "jm"));
        assert!(!is_pod_of(&pod("jm-eu-ab1-x", None), &none, "jm"));
        assert!(!is_pod_of(&pod("jm-ab1-x", Some(("Job", "jm"))), &none, "jm"));
    }
}
