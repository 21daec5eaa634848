//! Talks to Flink: the stop with a savepoint, and the release of a `JobManager` that waits for its answer to be read.

use k8s_openapi::api::core::v1::Service;
use kube::Api;

use super::super::context::Context;
use crate::{
    api::{JobId, ServicePort},
    flink::{FlinkClient, FlinkError},
    proxy::Endpoint,
    rollout::{EffectResult, World},
};

pub(super) fn rest_service_of(world: &World) -> ServicePort {
    let planned = world.plan().map(|plan| plan.settings.rest_service.clone());
    planned
        .or_else(|| world.application.as_ref().map(|application| application.spec.rest_service.clone()))
        .unwrap_or(ServicePort { name: String::new(), port: 0 })
}

/// Reads the status of the stop, so that the JobManager can end. Errors are ignored: the savepoint's path is already recorded, and the
/// JobManager ends later in any case.
pub(super) async fn release_job_manager(
    context: &Context,
    world: &World,
    pod: &str,
    job: &JobId,
    trigger_id: &str,
) -> EffectResult {
    let service = rest_service_of(world);
    let port = read_target_port(context, &service).await.unwrap_or(service.port);
    let endpoint = Endpoint::Pod { namespace: context.namespace.clone(), name: pod.to_owned(), port };
    match FlinkClient::new(context.proxy.clone(), endpoint).stop_status(job, trigger_id).await {
        Ok(_) | Err(FlinkError::Refused { .. }) => {}
        Err(FlinkError::Unknown(why)) => tracing::debug!(why, "the JobManager ended before it was released"),
    }
    EffectResult::Done
}

async fn read_target_port(context: &Context, service: &ServicePort) -> Option<u16> {
    let live = Api::<Service>::namespaced(context.client.clone(), &context.namespace).get(&service.name).await.ok()?;
    let port = live.spec?.ports?.into_iter().find(|port| port.port == i32::from(service.port))?;
    match port.target_port? {
        k8s_openapi::apimachinery::pkg::util::intstr::IntOrString::Int(port) => u16::try_from(port).ok(),
        k8s_openapi::apimachinery::pkg::util::intstr::IntOrString::String(_) => None,
    }
}
