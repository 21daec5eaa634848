//! A Deployment with the `ReplicaSets` and pods that it owns, and the proof that none of them runs.

use std::{collections::BTreeSet, net::IpAddr};

use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::{Event, Pod},
};
use kube::ResourceExt;

use super::{
    containers::{flink_statuses, has_started},
    field_owners::MANAGER,
    template::template_digest,
};
use crate::api::WorkloadSnapshot;

/// A Deployment, its `ReplicaSets` and their pods.
///
/// `ReplicaSets` and pods of a deleted Deployment with the same name are included.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Workload {
    pub deployment: Option<Deployment>,
    /// Includes orphaned `ReplicaSets`.
    pub replica_sets: Vec<ReplicaSet>,
    /// Includes pods that terminate.
    pub pods: Vec<Pod>,
    /// Warning events about the pods and `ReplicaSets`; empty if the caller did not ask for them.
    pub warnings: Vec<Event>,
}

/// Proves that no pod of a Deployment is left. It can only be made from a list that was read in the same reconcile.
#[derive(Debug, Clone, Copy)]
pub struct PodsGone {
    _proof: (),
}

impl Workload {
    /// `spec.replicas`, or 0 without a Deployment.
    #[must_use]
    pub fn replicas(&self) -> i32 {
        self.deployment
            .as_ref()
            .map_or(0, |deployment| deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1))
    }

    /// Pods that may still run. Terminating pods count, Succeeded and Failed pods do not.
    pub fn live_pods(&self) -> impl Iterator<Item = &Pod> {
        self.pods.iter().filter(|pod| !matches!(phase(pod), "Succeeded" | "Failed"))
    }

    /// Live pods that are not being deleted.
    pub fn staying_pods(&self) -> impl Iterator<Item = &Pod> {
        self.live_pods().filter(|pod| pod.metadata.deletion_timestamp.is_none())
    }

    /// `ReplicaSets` that keep pods running although the current Deployment does not own them. Scaling the Deployment does not stop them.
    pub fn orphaned_replica_sets(&self) -> impl Iterator<Item = &ReplicaSet> {
        let deployment = self.deployment.as_ref().and_then(ResourceExt::uid);
        let wants_pods = |set: &&ReplicaSet| set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1) > 0;
        let owned =
            move |set: &&ReplicaSet| set.owner_references().iter().any(|owner| Some(&owner.uid) == deployment.as_ref());
        self.replica_sets.iter().filter(wants_pods).filter(move |set| !owned(set))
    }

    /// Proves that nothing of the Deployment runs: it is scaled to 0, its controller has observed that, and no pod is left or can appear.
    #[must_use]
    pub fn pods_gone(&self) -> Option<PodsGone> {
        let observed = self.deployment.as_ref().is_none_or(|deployment| {
            let status = deployment.status.as_ref();
            let generation = status.and_then(|status| status.observed_generation);
            generation >= deployment.metadata.generation && status.and_then(|status| status.replicas).unwrap_or(0) == 0
        });
        let nothing_left = self.live_pods().next().is_none() && self.orphaned_replica_sets().next().is_none();
        (self.replicas() == 0 && observed && nothing_left).then_some(PodsGone { _proof: () })
    }

    /// The `ReplicaSet` that owns the live pods. None if several own some.
    #[must_use]
    pub fn live_replica_set(&self) -> Option<&ReplicaSet> {
        let owners: BTreeSet<&str> =
            self.live_pods().flat_map(ResourceExt::owner_references).map(|owner| owner.uid.as_str()).collect();
        let mut live =
            self.replica_sets.iter().filter(|set| set.metadata.uid.as_deref().is_some_and(|uid| owners.contains(uid)));
        let first = live.next()?;
        live.next().is_none().then_some(first)
    }

    /// The time when the newest Flink container of the live pods started. Sidecars do not count.
    #[must_use]
    pub fn running_since(&self) -> Option<crate::api::Time> {
        let statuses = self.live_pods().flat_map(flink_statuses);
        statuses.filter_map(|status| status.state.as_ref()?.running.as_ref()?.started_at.clone()).max()
    }

    /// Whether a pod that is not being deleted is Ready.
    #[must_use]
    pub fn has_ready_pod(&self) -> bool {
        self.ready_pods() > 0
    }

    /// How many pods that are not being deleted are Ready.
    #[must_use]
    pub fn ready_pods(&self) -> usize {
        self.staying_pods().filter(|pod| is_ready(pod)).count()
    }

    /// How far the pods have come: one for each that has a node, one if its container has started, one if it is Ready.
    #[must_use]
    pub fn pod_progress(&self) -> u64 {
        let of_pod = |pod: &Pod| {
            let has_node = pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some());
            u64::from(has_node) + u64::from(has_started(pod)) + u64::from(is_ready(pod))
        };
        self.staying_pods().map(of_pod).sum()
    }

    /// The field manager that changed the Deployment last, if that was not Lockkeeper or a controller's status update.
    #[must_use]
    pub fn last_foreign_manager(&self) -> Option<String> {
        let fields = self.deployment.as_ref()?.metadata.managed_fields.as_ref()?;
        let others = fields.iter().filter(|entry| entry.subresource.as_deref().unwrap_or_default().is_empty());
        let others = others.filter(|entry| entry.manager.as_deref().is_some_and(|manager| manager != MANAGER));
        let last = others.max_by_key(|entry| entry.time.as_ref().map(|time| time.0))?;
        last.manager.clone()
    }

    #[must_use]
    pub fn replica_set(&self, uid: &str) -> Option<&ReplicaSet> {
        self.replica_sets.iter().find(|set| set.metadata.uid.as_deref() == Some(uid))
    }

    /// The facts that identify the current state. None without a Deployment.
    #[must_use]
    pub fn snapshot(&self) -> Option<WorkloadSnapshot> {
        let deployment = self.deployment.as_ref()?;
        let set = self.live_replica_set();
        let template = set
            .and_then(|set| set.spec.as_ref()?.template.as_ref())
            .or_else(|| Some(&deployment.spec.as_ref()?.template))?;
        Some(WorkloadSnapshot {
            deployment: deployment.name_any(),
            uid: deployment.uid().unwrap_or_default(),
            replicas: self.replicas(),
            replica_set: set.map(ResourceExt::name_any),
            replica_set_uid: set.and_then(ResourceExt::uid),
            template_digest: template_digest(template),
            image_ids: self.image_ids(),
        })
    }

    /// SHA-256 of the Deployment's own pod template.
    #[must_use]
    pub fn deployment_template_digest(&self) -> Option<String> {
        Some(template_digest(&self.deployment.as_ref()?.spec.as_ref()?.template))
    }

    fn image_ids(&self) -> Vec<String> {
        let statuses = self.live_pods().filter_map(|pod| pod.status.as_ref()?.container_statuses.as_ref()).flatten();
        let ids: BTreeSet<String> =
            statuses.map(|status| status.image_id.clone()).filter(|id| !id.is_empty()).collect();
        ids.into_iter().collect()
    }
}

fn is_ready(pod: &Pod) -> bool {
    let mut statuses = flink_statuses(pod).peekable();
    statuses.peek().is_some() && statuses.all(|status| status.ready)
}

/// The IP addresses of a pod. None while it has no network yet.
pub fn pod_addresses(pod: &Pod) -> impl Iterator<Item = IpAddr> {
    let status = pod.status.as_ref();
    let all = status.into_iter().flat_map(|status| status.pod_ips.iter().flatten().map(|address| address.ip.as_str()));
    let first = status.and_then(|status| status.pod_ip.as_deref());
    all.chain(first).filter_map(|address| address.parse().ok())
}

fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_are_not_gone_while_a_deleted_deployment_has_pods_or_replica_sets() {
        let pod = |phase: &str| -> Pod {
            serde_json::from_value(serde_json::json!({"metadata": {"name": "p"}, "status": {"phase": phase}})).unwrap()
        };
        let set = |replicas: i32| -> ReplicaSet {
            serde_json::from_value(
                serde_json::json!({"metadata": {"name": "s"}, "spec": {"selector": {}, "replicas": replicas}}),
            )
            .unwrap()
        };
        let is_gone = |workload: Workload| workload.pods_gone().is_some();
        assert!(is_gone(Workload::default()));
        assert!(!is_gone(Workload { pods: vec![pod("Running")], ..Workload::default() }));
        assert!(is_gone(Workload { pods: vec![pod("Succeeded")], replica_sets: vec![set(0)], ..Workload::default() }));
        assert!(!is_gone(Workload { replica_sets: vec![set(1)], ..Workload::default() }));
    }
}
