//! Reads the log of the `JobManager`.

use k8s_openapi::api::core::v1::Pod;
use kube::{Api, ResourceExt, api::LogParams};

use crate::{
    api::FlinkRolloutStatus,
    cluster::{find_end, flink_container},
    controller::context::Context,
    flink::innermost_cause,
    rollout::World,
};

/// Reads the JobManager's log for what only the log holds: why a container ended, and from which path a restarted job first started.
pub(super) async fn read_logs(context: &Context, world: &mut World, status: &FlinkRolloutStatus) {
    let end = find_end(&world.workloads.job_manager);
    let restarted = world.flink.checkpoints.as_ref().is_some_and(|checkpoints| checkpoints.counts.restored > 1);
    let unproven = status.job.as_ref().is_some_and(|job| job.restored_at.is_none());
    let worth_reading = end.is_some() || (restarted && unproven);
    if !worth_reading {
        return;
    }
    let ended = end.map(|end| end.pod);
    let is_meant = |pod: &&Pod| ended.as_ref().is_none_or(|ended| pod.name_any() == *ended);
    let Some(pod) = world.workloads.job_manager.live_pods().find(is_meant) else { return };
    // Without the name of a container, the API server refuses to read the log of a pod with sidecars.
    let container = flink_container(pod).map(str::to_owned);
    let pod = pod.name_any();
    let api: Api<Pod> = Api::namespaced(context.client.clone(), &context.namespace);
    let read = |previous: bool| {
        let (api, pod, container) = (api.clone(), pod.clone(), container.clone());
        async move {
            let params = LogParams { container, previous, tail_lines: Some(2000), ..LogParams::default() };
            api.logs(&pod, &params).await.unwrap_or_default()
        }
    };
    let previous = read(true).await;
    let log = if previous.is_empty() { read(false).await } else { previous };
    world.logged_cause = innermost_cause(&log);
    let job = status.job.as_ref().map_or("", |job| &*job.job_id);
    let marker = format!("Starting job {job} from savepoint ");
    world.logged_start = log
        .lines()
        .find_map(|line| line.split_once(&marker))
        .map(|(_, path)| path.split_whitespace().next().unwrap_or_default().into());
}
