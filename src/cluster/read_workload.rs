//! Reads the workloads of an application with as few bytes as a safe answer allows.
//!
//! A namespace may hold hundreds of applications, and a rollout is read several times a second. So pods and `ReplicaSets` are listed by
//! the selector of their Deployment. That list alone never proves that nothing runs: labels can be changed, and a Deployment that was
//! deleted or created again does not select what it left behind. Where the list shows no live pod, the metadata of the whole namespace
//! is listed too.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::{Deployment, ReplicaSet},
        core::v1::Pod,
    },
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{ListParams, PartialObjectMeta},
    core::Selector,
};
use serde::de::DeserializeOwned;

use super::{
    ownership::{is_pod_of, is_replica_set_of},
    warnings::{read_warnings, warnings_about},
    workload::Workload,
};
use crate::api::PerComponent;

/// Reads both Deployments and the objects they own or left behind. `warnings_since` also asks for their Warning Events since that time.
pub async fn read_workloads(
    client: &Client,
    namespace: &str,
    deployments: PerComponent<&str>,
    warnings_since: Option<Timestamp>,
) -> kube::Result<PerComponent<Workload>> {
    let reader = Reader { client, namespace };
    let (job_manager, task_manager) = tokio::try_join!(
        reader.read_selected(deployments.job_manager),
        reader.read_selected(deployments.task_manager)
    )?;
    let mut workloads = PerComponent { job_manager, task_manager };
    if !workloads.all(is_complete) {
        let everything = reader.list_metadata().await?;
        reader.complete(&mut workloads.job_manager, deployments.job_manager, &everything).await?;
        reader.complete(&mut workloads.task_manager, deployments.task_manager, &everything).await?;
    }
    if let Some(since) = warnings_since {
        let events = read_warnings(client, namespace, since).await?;
        workloads.job_manager.warnings = warnings_about(&workloads.job_manager, &events);
        workloads.task_manager.warnings = warnings_about(&workloads.task_manager, &events);
    }
    Ok(workloads)
}

/// Whether what the selector found is enough: it shows live pods, and the `ReplicaSet` of each. Such a workload runs, whatever else there
/// is. Everything else needs the whole namespace.
fn is_complete(workload: &Workload) -> bool {
    let known: BTreeSet<&str> = workload.replica_sets.iter().filter_map(|set| set.metadata.uid.as_deref()).collect();
    let owner_is_known = |pod: &Pod| pod.owner_references().iter().any(|owner| known.contains(owner.uid.as_str()));
    workload.live_pods().next().is_some() && workload.live_pods().all(owner_is_known)
}

/// The metadata of all `ReplicaSets` and pods of a namespace.
struct Everything {
    replica_sets: Vec<PartialObjectMeta<ReplicaSet>>,
    pods: Vec<PartialObjectMeta<Pod>>,
}

struct Reader<'a> {
    client: &'a Client,
    namespace: &'a str,
}

impl Reader<'_> {
    fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), self.namespace)
    }

    /// Reads a Deployment, and those of its objects that its selector finds.
    async fn read_selected(&self, name: &str) -> kube::Result<Workload> {
        // The Deployment is read first, so that the lists contain everything it creates afterwards.
        let Some(deployment) = self.api::<Deployment>().get_opt(name).await? else { return Ok(Workload::default()) };
        let selector = deployment.spec.as_ref().map(|spec| Selector::try_from(spec.selector.clone()));
        let Some(Ok(selector)) = selector else {
            return Ok(Workload { deployment: Some(deployment), ..Workload::default() });
        };
        let params = ListParams::default().labels_from(&selector);
        let (sets, pods) = (self.api::<ReplicaSet>(), self.api::<Pod>());
        let (sets, pods) = tokio::try_join!(sets.list(&params), pods.list(&params))?;
        let mut replica_sets = sets.items;
        replica_sets.retain(|set| is_replica_set_of(set, name));
        let uids = uids_of(&replica_sets);
        let mut pods = pods.items;
        pods.retain(|pod| is_pod_of(pod, &uids, name));
        Ok(Workload { deployment: Some(deployment), replica_sets, pods, warnings: Vec::new() })
    }

    async fn list_metadata(&self) -> kube::Result<Everything> {
        let params = ListParams::default();
        let (sets, pods) = (self.api::<ReplicaSet>(), self.api::<Pod>());
        let (sets, pods) = tokio::try_join!(sets.list_metadata(&params), pods.list_metadata(&params))?;
        Ok(Everything { replica_sets: sets.items, pods: pods.items })
    }

    /// Adds what the selector did not find.
    async fn complete(&self, workload: &mut Workload, name: &str, everything: &Everything) -> kube::Result<()> {
        let sets: Vec<_> = everything.replica_sets.iter().filter(|set| is_replica_set_of(*set, name)).collect();
        let mut uids = uids_of(&workload.replica_sets);
        uids.extend(sets.iter().filter_map(|set| set.uid()));
        let pods: Vec<_> = everything.pods.iter().filter(|pod| is_pod_of(*pod, &uids, name)).collect();
        self.add_missing(&mut workload.replica_sets, &sets).await?;
        self.add_missing(&mut workload.pods, &pods).await
    }

    /// Reads each object that is not known yet. One that is gone by now is left out.
    async fn add_missing<K>(&self, known: &mut Vec<K>, listed: &[&PartialObjectMeta<K>]) -> kube::Result<()>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned,
    {
        let uids = uids_of(known);
        for found in listed.iter().filter(|found| found.uid().is_none_or(|uid| !uids.contains(&uid))) {
            known.extend(self.api::<K>().get_opt(&found.name_any()).await?);
        }
        Ok(())
    }
}

fn uids_of<K: ResourceExt>(objects: &[K]) -> BTreeSet<String> {
    objects.iter().filter_map(ResourceExt::uid).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(owner: &str, phase: &str) -> Pod {
        let owners = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": owner}]);
        let pod = json!({"metadata": {"name": "p", "ownerReferences": owners}, "status": {"phase": phase}});
        serde_json::from_value(pod).unwrap()
    }

    #[test]
    fn only_live_pods_of_known_replica_sets_save_the_list_of_the_namespace() {
        let set: ReplicaSet = serde_json::from_value(json!({"metadata": {"name": "jm-1", "uid": "known"}})).unwrap();
        let workload = |pods: Vec<Pod>| Workload { replica_sets: vec![set.clone()], pods, ..Workload::default() };
        assert!(is_complete(&workload(vec![pod("known", "Running")])));
        assert!(!is_complete(&workload(Vec::new())), "that no pod is selected does not prove that none runs");
        assert!(!is_complete(&workload(vec![pod("known", "Succeeded")])), "an ended pod does not run");
        assert!(!is_complete(&workload(vec![pod("known", "Running"), pod("other", "Running")])));
    }
}
