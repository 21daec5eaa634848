//! Flink's high-availability metadata in `ConfigMaps`: which they are, and their backup.
//!
//! Flink 1.15 and later keeps `<cluster-id>-cluster-config-map` and `<cluster-id>-<job id>-config-map`; 1.14 names end in `-leader`.
//! The label `configmap-type` is gone in 2.x, so the cluster id's label and the name together decide (facts measured on 2.2.1).

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client, ResourceExt, api::ListParams};

use crate::{api::Time, digest::short_digest_of};

/// Label that Flink sets on them, in standalone mode too.
const FLINK_TYPE: &str = "type=flink-native-kubernetes";

/// The longest name that Kubernetes takes.
const MAX_NAME: usize = 253;
/// So much of a digest as tells the maps of one rollout apart.
const CONTENT_DIGITS: usize = 10;

/// The HA `ConfigMaps` of one cluster id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HaConfigMaps {
    /// All of them.
    pub items: Vec<ConfigMap>,
}

impl HaConfigMaps {
    /// Lists those of one `kubernetes.cluster-id`.
    pub async fn read(client: &Client, namespace: &str, cluster_id: &str) -> kube::Result<Self> {
        let params = ListParams::default().labels(&format!("app={cluster_id},{FLINK_TYPE}"));
        let found = Api::<ConfigMap>::namespaced(client.clone(), namespace).list(&params).await?;
        let ours = |map: &ConfigMap| {
            is_ha_name(cluster_id, &map.name_any())
                && !map.labels().contains_key("app.kubernetes.io/managed-by")
                && map.labels().get("component").map(String::as_str) != Some("autoscaler")
        };
        Ok(Self { items: found.items.into_iter().filter(ours).collect() })
    }

    /// Whether they show that a job ran, or may run again: a job's own map, or a stored job graph or execution plan.
    #[must_use]
    pub fn shows_a_job(&self, cluster_id: &str) -> bool {
        self.items.iter().any(|map| {
            let name = map.name_any();
            let own_map = name != format!("{cluster_id}-cluster-config-map") && name.ends_with("-config-map");
            let graph = map
                .data
                .iter()
                .flatten()
                .any(|(key, _)| key.starts_with("executionPlan-") || key.starts_with("jobGraph-"));
            own_map || graph
        })
    }

    /// The earliest creation, for saying since when a job ran again.
    #[must_use]
    pub fn created(&self) -> Option<Time> {
        self.items.iter().filter_map(|map| map.metadata.creation_timestamp.clone()).min()
    }
}

/// Whether a name is one that Flink gives to HA `ConfigMaps` of exactly this cluster id, and of no other that merely begins alike.
#[must_use]
pub fn is_ha_name(cluster_id: &str, name: &str) -> bool {
    let Some(rest) = name.strip_prefix(cluster_id).and_then(|rest| rest.strip_prefix('-')) else {
        return false;
    };
    let is_job_id = |text: &str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match rest {
        "cluster-config-map" | "dispatcher-leader" | "resourcemanager-leader" | "restserver-leader" => true,
        _ => {
            rest.strip_suffix("-config-map").or_else(|| rest.strip_suffix("-jobmanager-leader")).is_some_and(is_job_id)
        }
    }
}

/// Name of the backup of an HA `ConfigMap`: matches no HA pattern, so Flink never takes it for its own. It says which map and which
/// data, since one rollout may clear maps of the same name several times.
#[must_use]
pub fn backup_name(revision: u32, map: &ConfigMap) -> String {
    let content = short_digest_of(&(map.uid(), &map.data, &map.binary_data), CONTENT_DIGITS);
    let suffix = format!("-backup-{revision:03}-{content}");
    let mut name = map.name_any();
    name.truncate(MAX_NAME - suffix.len());
    format!("{}{suffix}", name.trim_end_matches(['-', '.']))
}

/// The backup of one HA `ConfigMap`: its data, without Flink's labels and without the leader's lock.
#[must_use]
pub fn backup_of(map: &ConfigMap, name: String, labels: BTreeMap<String, String>) -> ConfigMap {
    ConfigMap {
        metadata: kube::api::ObjectMeta {
            name: Some(name),
            namespace: map.namespace(),
            labels: Some(labels),
            ..Default::default()
        },
        data: map.data.clone(),
        binary_data: map.binary_data.clone(),
        immutable: Some(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(name: &str, uid: &str, leader: &str) -> ConfigMap {
        let map = serde_json::json!({"metadata": {"name": name, "uid": uid}, "data": {"leader": leader}});
        serde_json::from_value(map).unwrap()
    }

    #[test]
    fn each_map_that_is_cleared_gets_a_backup_of_its_own() {
        let first = backup_name(7, &map("orders-cluster-config-map", "a", "1"));
        assert!(first.starts_with("orders-cluster-config-map-backup-007-"), "{first}");
        assert_eq!(backup_name(7, &map("orders-cluster-config-map", "a", "1")), first, "a repeat is the same backup");
        assert_ne!(backup_name(7, &map("orders-cluster-config-map", "b", "1")), first, "made anew");
        assert_ne!(backup_name(7, &map("orders-cluster-config-map", "a", "2")), first, "written to again");
        assert_ne!(backup_name(8, &map("orders-cluster-config-map", "a", "1")), first);
    }

    #[test]
    fn a_backups_name_is_one_that_kubernetes_takes() {
        for length in [1, 63, 228, 229, 230, 253] {
            let name = format!("{}.config-map", "a".repeat(length))[..length].to_owned();
            let backup = backup_name(1234, &map(&name, "a", "1"));
            assert!(backup.len() <= MAX_NAME, "{backup}");
            assert!(!backup.contains("--") && !backup.contains(".-"), "{backup}");
        }
    }

    #[test]
    fn only_names_of_exactly_this_cluster_id() {
        let job = "0123456789abcdef0123456789abcdef";
        for name in [
            "orders-cluster-config-map".to_owned(),
            format!("orders-{job}-config-map"),
            "orders-dispatcher-leader".to_owned(),
        ] {
            assert!(is_ha_name("orders", &name), "{name}");
        }
        for name in [
            "orders-eu-cluster-config-map".to_owned(),
            format!("orders-eu-{job}-config-map"),
            "orders-config".to_owned(),
            "orders-config-v001".to_owned(),
            "orders-abc-config-map".to_owned(),
            backup_name(1, &map("orders-cluster-config-map", "a", "1")),
            backup_name(1, &map(&format!("orders-{job}-config-map"), "a", "1")),
        ] {
            assert!(!is_ha_name("orders", &name), "{name}");
        }
    }
}
