//! How far a start has come. The start deadline counts from the last progress.

use super::reason::newest_exception_time;
use crate::{api::FlinkRolloutStatus, cluster::Workload, rollout::world::World};

/// How far the start has come: it grows when a pod gets a node, its image or Ready, and when a task reaches its next state.
///
/// A restart can make it smaller. Only a value above all earlier ones is progress, so a loop makes none.
pub(crate) fn start_progress(world: &World) -> u64 {
    let pods: u64 = world.workloads.iter().map(Workload::pod_progress).sum();
    let listed = u64::from(world.flink.job.is_some());
    let tasks = world.flink.job.as_ref().map_or(0, crate::flink::JobDetail::task_progress);
    pods + listed + tasks
}

/// Whether a task restores its state, and no exception came since the start was proven.
///
/// It can take hours to download the state, and nothing that Flink shows changes meanwhile.
pub(crate) fn is_initializing(world: &World, status: &FlinkRolloutStatus) -> bool {
    let initializing = world.flink.job.as_ref().is_some_and(crate::flink::JobDetail::has_initializing_task);
    let known = status.watch.as_ref().and_then(|watch| watch.newest_exception).unwrap_or_default();
    initializing && newest_exception_time(world).is_none_or(|newest| newest <= known)
}
