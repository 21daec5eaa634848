//! `HorizontalPodAutoscalers` of an application's Deployments. At 0 replicas one pauses by itself (Kubernetes 1.37); what it had
//! scaled to is in no `ReplicaSet` and in no chart.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::{Api, Client, ResourceExt, api::ListParams};

/// What scales a Deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Autoscaler {
    /// Its name.
    pub name: String,
    /// The Deployment it scales.
    pub deployment: String,
    /// Its min replicas.
    pub min: i32,
    /// Its most replicas.
    pub max: i32,
}

/// Lists those that scale a Deployment of the namespace.
pub async fn read_autoscalers(client: &Client, namespace: &str) -> kube::Result<Vec<Autoscaler>> {
    let api: Api<HorizontalPodAutoscaler> = Api::namespaced(client.clone(), namespace);
    Ok(api.list(&ListParams::default()).await?.items.into_iter().filter_map(of_a_deployment).collect())
}

fn of_a_deployment(autoscaler: HorizontalPodAutoscaler) -> Option<Autoscaler> {
    let name = autoscaler.name_any();
    let spec = autoscaler.spec;
    (spec.scale_target_ref.kind == "Deployment").then_some(Autoscaler {
        name,
        deployment: spec.scale_target_ref.name,
        min: spec.min_replicas.unwrap_or(1),
        max: spec.max_replicas,
    })
}
