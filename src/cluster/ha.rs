//! Flink's high-availability metadata in `ConfigMaps`: finds the `ConfigMaps` and backs them up.
//!
//! Flink 1.15 and later keeps `<cluster-id>-cluster-config-map` and `<cluster-id>-<job id>-config-map`; 1.14 names end in `-leader`.
//! Flink 2.x no longer sets the label `configmap-type`, so the label of the cluster id and the name decide together (measured on 2.2.1).

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client, ResourceExt, api::ListParams};

use crate::{api::JobId, digest::short_digest_of};

/// Flink sets this label on its `ConfigMaps`, in standalone mode too.
const FLINK_TYPE: &str = "type=flink-native-kubernetes";

/// The leader's lock, in both Flink 1.x and 2.x. The leader renews it every few seconds.
const LEADER_ANNOTATION: &str = "control-plane.alpha.kubernetes.io/leader";
/// Flink 1.15 and later writes an address to a key with this prefix. Flink 1.14 writes it to the key `address`.
const LEADER_KEY: &str = "org.apache.flink.k8s.leader.";

/// Flink's default of `high-availability.kubernetes.leader-election.lease-duration`, in seconds.
const DEFAULT_LEASE: u32 = 15;
/// A longer lease would outlast the stage that waits for it, in seconds.
const MAX_LEASE: f64 = 100.0;

/// The longest name that Kubernetes accepts.
const MAX_NAME_LENGTH: usize = 253;
/// This many digits are enough to tell the `ConfigMaps` of one rollout apart.
const CONTENT_DIGITS: usize = 10;

/// The HA `ConfigMaps` of one cluster id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HaConfigMaps {
    pub items: Vec<ConfigMap>,
}

/// The lock of a leader on one HA `ConfigMap`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leader {
    /// Name of the `ConfigMap`.
    pub map: String,
    /// `holderIdentity`: a random id of one JobManager process.
    pub holder: String,
    /// How long the lock is valid without a renewal, in seconds.
    pub lease_seconds: u32,
    /// Changes with each renewal.
    pub renewal: String,
    /// The IP addresses that the leader gave for itself. Empty where it gave names: the name of a Service may be of several pods.
    pub addresses: BTreeSet<IpAddr>,
}

impl HaConfigMaps {
    /// The locks that name a holder. A JobManager that is gone may have left its own.
    #[must_use]
    pub fn leaders(&self) -> Vec<Leader> {
        self.items.iter().filter_map(read_leader).collect()
    }

    /// Lists the HA `ConfigMaps` of one `kubernetes.cluster-id`.
    pub async fn read(client: &Client, namespace: &str, cluster_id: &str) -> kube::Result<Self> {
        let params = ListParams::default().labels(&format!("app={cluster_id},{FLINK_TYPE}"));
        let labelled = Api::<ConfigMap>::namespaced(client.clone(), namespace).list(&params).await?;
        let is_ha_metadata = |map: &ConfigMap| {
            is_ha_name(cluster_id, &map.name_any())
                && !map.labels().contains_key("app.kubernetes.io/managed-by")
                && map.labels().get("component").map(String::as_str) != Some("autoscaler")
        };
        Ok(Self { items: labelled.items.into_iter().filter(is_ha_metadata).collect() })
    }

    /// The `ConfigMap` of one job. Flink deletes it when the job ends for good, and keeps it while the job may be recovered.
    #[must_use]
    pub fn of_job(&self, cluster_id: &str, job: &JobId) -> Option<&ConfigMap> {
        let names = [format!("{cluster_id}-{job}-config-map"), format!("{cluster_id}-{job}-jobmanager-leader")];
        self.items.iter().find(|map| names.contains(&map.name_any()))
    }

    /// Whether a job ran, or may run again: there is a `ConfigMap` of a job, or a stored job graph or execution plan.
    #[must_use]
    pub fn shows_a_job(&self, cluster_id: &str) -> bool {
        self.items.iter().any(|map| {
            let name = map.name_any();
            let is_of_a_job = name != format!("{cluster_id}-cluster-config-map") && name.ends_with("-config-map");
            let has_graph = map
                .data
                .iter()
                .flatten()
                .any(|(key, _)| key.starts_with("executionPlan-") || key.starts_with("jobGraph-"));
            is_of_a_job || has_graph
        })
    }
}

fn read_leader(map: &ConfigMap) -> Option<Leader> {
    let text = map.annotations().get(LEADER_ANNOTATION)?;
    let lock: serde_json::Value = serde_json::from_str(text).ok()?;
    let holder = lock.get("holderIdentity")?.as_str().filter(|holder| !holder.is_empty())?;
    let lease = lock.get("leaseDuration").and_then(|lease| {
        // A number of seconds, or a duration such as PT15S.
        let text = lease.to_string();
        text.trim_matches('"').trim_start_matches("PT").trim_end_matches('S').parse::<f64>().ok()
    });
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // the range is checked
    let lease_seconds =
        lease.filter(|lease| (1.0..MAX_LEASE).contains(lease)).map_or(DEFAULT_LEASE, |lease| lease.ceil() as u32);
    Some(Leader {
        map: map.name_any(),
        holder: holder.to_owned(),
        lease_seconds,
        renewal: short_digest_of(&text, CONTENT_DIGITS),
        addresses: map.data.iter().flatten().filter_map(|(key, value)| read_address(key, value)).collect(),
    })
}

/// Reads the host of an address such as `…,pekko.tcp://flink@10.0.0.7:6123/user/rpc/dispatcher_0` or `…,http://10.0.0.7:8081`, if it is an
/// IP address.
fn read_address(key: &str, value: &str) -> Option<IpAddr> {
    if !key.starts_with(LEADER_KEY) && key != "address" {
        return None;
    }
    let (_, location) = value.split_once("://")?;
    let authority = location.split('/').next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Whether Flink uses this name for an HA `ConfigMap` of exactly this cluster id, and not of another id with the same prefix.
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

/// Whether Flink uses this name for an HA `ConfigMap` of some cluster id.
#[must_use]
pub fn is_any_ha_name(name: &str) -> bool {
    name.match_indices('-').any(|(dash, _)| is_ha_name(&name[..dash], name))
}

/// Names the backup of an HA `ConfigMap`. The name matches no HA pattern, so Flink never reads the backup as its own.
///
/// One rollout may clear `ConfigMaps` of the same name several times, so the name depends on the `ConfigMap` and its data.
#[must_use]
pub fn backup_name(revision: u32, map: &ConfigMap) -> String {
    let content = short_digest_of(&(map.uid(), &map.data, &map.binary_data), CONTENT_DIGITS);
    let suffix = format!("-backup-{revision:03}-{content}");
    let mut name = map.name_any();
    name.truncate(MAX_NAME_LENGTH - suffix.len());
    format!("{}{suffix}", name.trim_end_matches(['-', '.']))
}

/// Whether a name is that of a backup which a rollout with this revision number made.
#[must_use]
pub fn is_backup_name(revision: u32, name: &str) -> bool {
    let suffix = name.rsplit_once(&format!("-backup-{revision:03}-")).map(|(_, digits)| digits);
    suffix.is_some_and(|digits| digits.len() == CONTENT_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether a name is that of a backup which any rollout made.
#[must_use]
pub fn is_any_backup_name(name: &str) -> bool {
    let revision = name.rsplit_once("-backup-").and_then(|(_, rest)| rest.split('-').next()?.parse().ok());
    revision.is_some_and(|revision| is_backup_name(revision, name))
}

/// Builds the backup of one HA `ConfigMap`: its data, without Flink's labels and without the leader lock.
#[must_use]
pub fn build_backup(map: &ConfigMap, name: String, labels: BTreeMap<String, String>) -> ConfigMap {
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
    fn the_lock_of_a_leader_is_read() {
        let leader = |lock: &str| {
            let map = serde_json::json!({"metadata": {"name": "orders-cluster-config-map", "annotations": {LEADER_ANNOTATION: lock}}});
            HaConfigMaps { items: vec![serde_json::from_value(map).unwrap()] }.leaders().pop()
        };
        let known =
            leader(r#"{"holderIdentity":"6f64","leaseDuration":30.000000000,"renewTime":"2026-01-01T12:00:00Z"}"#)
                .unwrap();
        assert_eq!((known.holder.as_str(), known.lease_seconds), ("6f64", 30));
        let renewed =
            leader(r#"{"holderIdentity":"6f64","leaseDuration":30.000000000,"renewTime":"2026-01-01T12:00:05Z"}"#);
        assert_ne!(renewed.unwrap().renewal, known.renewal);
        assert_eq!(leader(r#"{"holderIdentity":"6f64","leaseDuration":"PT20S"}"#).unwrap().lease_seconds, 20);
        assert_eq!(leader(r#"{"holderIdentity":"6f64"}"#).unwrap().lease_seconds, 15);
        assert_eq!(leader(r#"{"holderIdentity":""}"#), None, "the leader has given it up");
    }

    #[test]
    fn the_addresses_of_a_leader_are_read() {
        let read = |value: &str| {
            let address = read_address("org.apache.flink.k8s.leader.dispatcher", value);
            address.map(|address| address.to_string())
        };
        let actor = "0d9b,pekko.tcp://flink@10.0.0.7:6123/user/rpc/dispatcher_0";
        assert_eq!(read(actor).as_deref(), Some("10.0.0.7"));
        assert_eq!(read("0d9b,akka.ssl.tcp://flink@10.0.0.7:6123/user/rpc/x").as_deref(), Some("10.0.0.7"));
        assert_eq!(read("0d9b,http://10.0.0.7:8081").as_deref(), Some("10.0.0.7"));
        assert_eq!(read("0d9b,http://[fd00::7]:8081").as_deref(), Some("fd00::7"));
        assert_eq!(read("0d9b,http://orders-jobmanager:8081"), None);
        assert_eq!(read("12"), None);
        assert_eq!(read_address("executionPlan-1", "hdfs://10.0.0.7:8020/flink"), None, "a pointer to a file");
    }

    #[test]
    fn every_cleared_config_map_gets_its_own_backup() {
        let first = backup_name(7, &map("orders-cluster-config-map", "a", "1"));
        assert!(first.starts_with("orders-cluster-config-map-backup-007-"), "{first}");
        assert_eq!(backup_name(7, &map("orders-cluster-config-map", "a", "1")), first, "a repeat is the same backup");
        assert_ne!(backup_name(7, &map("orders-cluster-config-map", "b", "1")), first, "recreated");
        assert_ne!(backup_name(7, &map("orders-cluster-config-map", "a", "2")), first, "written to again");
        assert_ne!(backup_name(8, &map("orders-cluster-config-map", "a", "1")), first);
        assert!(is_backup_name(7, &first) && !is_backup_name(8, &first));
        assert!(!is_backup_name(7, "orders-backup-007-mine"), "a person named it");
    }

    #[test]
    fn kubernetes_accepts_the_name_of_a_backup() {
        for length in [1, 63, 228, 229, 230, 253] {
            let name = format!("{}.config-map", "a".repeat(length))[..length].to_owned();
            let backup = backup_name(1234, &map(&name, "a", "1"));
            assert!(backup.len() <= MAX_NAME_LENGTH, "{backup}");
            assert!(!backup.contains("--") && !backup.contains(".-"), "{backup}");
        }
    }

    #[test]
    fn only_names_of_exactly_this_cluster_id_match() {
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
