//! One Deployment with everything it owns, read in one go.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::{Event, Pod},
};
use kube::{Api, Client, ResourceExt, api::ListParams};

use super::template_digest;
use crate::api::WorkloadSnapshot;

/// A Deployment, the `ReplicaSets` it owns and the pods they own.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Workload {
    /// The Deployment, if there is one.
    pub deployment: Option<Deployment>,
    /// Its `ReplicaSets`.
    pub replica_sets: Vec<ReplicaSet>,
    /// Their pods, also those that terminate.
    pub pods: Vec<Pod>,
    /// Warning events about its pods and `ReplicaSets`, where they were asked for.
    pub warnings: Vec<Event>,
}

/// Proof that no pod of a Deployment is left; comes only from a list made in the same reconcile.
#[derive(Debug, Clone, Copy)]
pub struct PodsGone {
    _proof: (),
}

impl Workload {
    /// `spec.replicas`; 0 without a Deployment.
    #[must_use]
    pub fn replicas(&self) -> i32 {
        self.deployment
            .as_ref()
            .map_or(0, |deployment| deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1))
    }

    /// Pods that may still run: Terminating counts, Succeeded and Failed do not.
    pub fn live_pods(&self) -> impl Iterator<Item = &Pod> {
        self.pods.iter().filter(|pod| !matches!(phase(pod), "Succeeded" | "Failed"))
    }

    /// The proof that nothing of it runs: scaled to 0, observed by the controller, and no pod left.
    #[must_use]
    pub fn pods_gone(&self) -> Option<PodsGone> {
        let observed = self.deployment.as_ref().is_none_or(|deployment| {
            let status = deployment.status.as_ref();
            let seen = status.and_then(|status| status.observed_generation);
            seen >= deployment.metadata.generation && status.and_then(|status| status.replicas).unwrap_or(0) == 0
        });
        (self.replicas() == 0 && observed && self.live_pods().next().is_none()).then_some(PodsGone { _proof: () })
    }

    /// The `ReplicaSet` that owns the live pods: exactly one, or none if several do.
    #[must_use]
    pub fn live_replica_set(&self) -> Option<&ReplicaSet> {
        let owners: BTreeSet<&str> =
            self.live_pods().flat_map(ResourceExt::owner_references).map(|owner| owner.uid.as_str()).collect();
        let mut live =
            self.replica_sets.iter().filter(|set| set.metadata.uid.as_deref().is_some_and(|uid| owners.contains(uid)));
        let first = live.next()?;
        live.next().is_none().then_some(first)
    }

    /// When the youngest running container of its live pods started.
    #[must_use]
    pub fn running_since(&self) -> Option<crate::api::Time> {
        let statuses = self.live_pods().filter_map(|pod| pod.status.as_ref()?.container_statuses.as_ref()).flatten();
        statuses.filter_map(|status| status.state.as_ref()?.running.as_ref()?.started_at.clone()).max()
    }

    /// A `ReplicaSet` by uid.
    #[must_use]
    pub fn replica_set(&self, uid: &str) -> Option<&ReplicaSet> {
        self.replica_sets.iter().find(|set| set.metadata.uid.as_deref() == Some(uid))
    }

    /// What identifies it now; none without a Deployment.
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

    fn image_ids(&self) -> Vec<String> {
        let statuses = self.live_pods().filter_map(|pod| pod.status.as_ref()?.container_statuses.as_ref()).flatten();
        let ids: BTreeSet<String> =
            statuses.map(|status| status.image_id.clone()).filter(|id| !id.is_empty()).collect();
        ids.into_iter().collect()
    }
}

fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

/// Reads a Deployment and what it owns. With a moment, also the namespace's Warning events about them since then.
pub async fn read_workload(
    client: &Client,
    namespace: &str,
    name: &str,
    warnings: Option<Timestamp>,
) -> kube::Result<Workload> {
    let Some(deployment) = Api::<Deployment>::namespaced(client.clone(), namespace).get_opt(name).await? else {
        return Ok(Workload::default());
    };
    let (sets, pods) = tokio::try_join!(
        async {
            Api::<ReplicaSet>::namespaced(client.clone(), namespace)
                .list(&ListParams::default())
                .await
                .map(|list| list.items)
        },
        async {
            Api::<Pod>::namespaced(client.clone(), namespace).list(&ListParams::default()).await.map(|list| list.items)
        }
    )?;
    let uid = deployment.uid().unwrap_or_default();
    let sets: Vec<ReplicaSet> =
        sets.into_iter().filter(|set| set.owner_references().iter().any(|owner| owner.uid == uid)).collect();
    let uids: BTreeSet<String> = sets.iter().filter_map(ResourceExt::uid).collect();
    let pods: Vec<Pod> =
        pods.into_iter().filter(|pod| pod.owner_references().iter().any(|owner| uids.contains(&owner.uid))).collect();
    let mut workload = Workload { deployment: Some(deployment), replica_sets: sets, pods, warnings: Vec::new() };
    if let Some(since) = warnings {
        workload.warnings = read_warnings(client, namespace, &workload).await?;
        workload.warnings.retain(|event| last_seen(event).is_none_or(|at| at >= since));
    }
    Ok(workload)
}

/// When an event was last seen. The API server keeps whole seconds of the older field.
fn last_seen(event: &Event) -> Option<Timestamp> {
    let whole = |at: &crate::api::Time| at.0.checked_add(jiff::SignedDuration::from_millis(999)).unwrap_or(at.0);
    let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref()).map(|at| at.0);
    let last = event.last_timestamp.as_ref().map(whole);
    series.max(last).or_else(|| event.event_time.as_ref().map(|at| at.0))
}

async fn read_warnings(client: &Client, namespace: &str, workload: &Workload) -> kube::Result<Vec<Event>> {
    let current: BTreeSet<String> = workload
        .pods
        .iter()
        .filter_map(ResourceExt::uid)
        .chain(workload.replica_sets.iter().filter_map(ResourceExt::uid))
        .collect();
    let events =
        Api::<Event>::namespaced(client.clone(), namespace).list(&ListParams::default().fields("type=Warning")).await?;
    Ok(events
        .items
        .into_iter()
        .filter(|event| event.involved_object.uid.as_ref().is_some_and(|uid| current.contains(uid)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_was_last_seen_when_it_was_repeated() {
        let event = |more: serde_json::Value| {
            let mut event =
                serde_json::json!({"metadata": {}, "involvedObject": {}, "eventTime": "2026-01-01T11:00:00.000000Z"});
            event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            last_seen(&serde_json::from_value(event).unwrap()).unwrap().to_string()
        };
        assert_eq!(event(serde_json::json!({})), "2026-01-01T11:00:00Z");
        assert_eq!(event(serde_json::json!({"lastTimestamp": "2026-01-01T12:00:00Z"})), "2026-01-01T12:00:00.999Z");
        let series = serde_json::json!({"series": {"lastObservedTime": "2026-01-01T13:00:00.000000Z"}, "lastTimestamp": "2026-01-01T12:00:00Z"});
        assert_eq!(event(series), "2026-01-01T13:00:00Z");
    }
}
