//! Asks the users' own probes.

use std::time::Duration;

use super::context::Context;
use crate::{
    api::{FlinkMetricProbe, HttpProbe, JobId, Probe},
    flink::FlinkClient,
    proxy::Endpoint,
    rollout::{FlinkView, ProbeAnswer, World},
};

const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// Asks every probe of the plan at the same time, also while the job settles: Flink collects a metric only after the first request.
pub(super) async fn ask_probes(context: &Context, client: &FlinkClient, world: &mut World, view: &FlinkView) {
    let status = world.status();
    let (Some(plan), Some(job)) = (&status.plan, &status.job) else { return };
    let answers = plan.settings.monitor.probes.iter().map(async |probe| {
        let answer = match probe {
            Probe { http: Some(http), .. } => ask_http(context, http).await,
            Probe { flink_metric: Some(metric), .. } => ask_metric(client, metric, view, &job.job_id).await,
            // The API server refuses such a probe. If one gets through, it must not count as passed.
            Probe { http: None, flink_metric: None, .. } => ProbeAnswer::Unanswered(
                "the probe names neither http nor flinkMetric: add one to the FlinkApplication".to_owned(),
            ),
        };
        (probe.name.clone(), answer)
    });
    world.probes.extend(futures::future::join_all(answers).await);
}

async fn ask_http(context: &Context, http: &HttpProbe) -> ProbeAnswer {
    let endpoint =
        Endpoint::Service { namespace: context.namespace.clone(), name: http.service.clone(), port: http.port };
    let path = match endpoint.path(&http.path) {
        Ok(path) => path,
        // Plan refuses such a probe, but a bot before this rule may have planned it. It says nothing about the version.
        Err(error) => {
            tracing::warn!(%error, "a probe is left out");
            return ProbeAnswer::Passed;
        }
    };
    match context.proxy.get_status(&path, PROBE_TIMEOUT).await {
        Ok(status) if status.as_u16() == http.expect => ProbeAnswer::Passed,
        Ok(status) => ProbeAnswer::Failed(format!("status {status}, expected {}", http.expect)),
        Err(error) => ProbeAnswer::Failed(error.to_string()),
    }
}

async fn ask_metric(client: &FlinkClient, metric: &FlinkMetricProbe, view: &FlinkView, job: &JobId) -> ProbeAnswer {
    let vertices = view.job.as_ref().map(|job| job.vertices.as_slice()).unwrap_or_default();
    let vertex = metric.vertex.as_ref().map(|wanted| vertices.iter().find(|vertex| vertex.name.contains(wanted)));
    if let (Some(None), Some(wanted)) = (&vertex, &metric.vertex) {
        if vertices.is_empty() {
            return ProbeAnswer::Unanswered("Flink shows no vertices".to_owned());
        }
        let known: Vec<&str> = vertices.iter().map(|vertex| vertex.name.as_str()).collect();
        return ProbeAnswer::Failed(format!("the job has no vertex {wanted}, it has: {}", known.join(", ")));
    }
    let vertex = vertex.flatten().map(|vertex| vertex.id.as_str());
    match client.metric(job, vertex, &metric.name).await {
        Ok(Some(value)) if metric.op.holds(value, metric.value) => ProbeAnswer::Passed,
        Ok(Some(value)) => ProbeAnswer::Failed(format!("{} is {value}", metric.name)),
        Ok(None) => ProbeAnswer::Unanswered(format!("Flink has no metric {}", metric.name)),
        Err(error) => ProbeAnswer::Unanswered(error.to_string()),
    }
}
