//! Reads the `HorizontalPodAutoscalers` of an application's Deployments.
//!
//! At 0 replicas an autoscaler pauses by itself (Kubernetes 1.37). No `ReplicaSet` and no chart records the number it had scaled to.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::{Api, Client, ResourceExt, api::ListParams};

/// A `HorizontalPodAutoscaler` that scales a Deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Autoscaler {
    pub name: String,
    /// Name of the Deployment that it scales.
    pub deployment: String,
    pub min: i32,
    pub max: i32,
}

/// Lists the autoscalers that scale a Deployment of the namespace.
pub async fn read_autoscalers(client: &Client, namespace: &str) -> kube::Result<Vec<Autoscaler>> {
    let api: Api<HorizontalPodAutoscaler> = Api::namespaced(client.clone(), namespace);
    Ok(api.list(&ListParams::default()).await?.items.into_iter().filter_map(deployment_autoscaler).collect())
}

fn deployment_autoscaler(autoscaler: HorizontalPodAutoscaler) -> Option<Autoscaler> {
    let name = autoscaler.name_any();
    let spec = autoscaler.spec;
    (spec.scale_target_ref.kind == "Deployment").then_some(Autoscaler {
        name,
        deployment: spec.scale_target_ref.name,
        min: spec.min_replicas.unwrap_or(1),
        max: spec.max_replicas,
    })
}
