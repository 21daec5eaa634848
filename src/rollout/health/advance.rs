//! How far a start has come. The start deadline counts from the last progress.

use super::reason::newest_exception_time;
use crate::{cluster::Workload, rollout::world::World};

/// How far the start has come: it grows when a pod gets a node, its image or Ready, and when a task reaches its next state.
///
/// A restart can make it smaller. Only a value above all earlier ones is progress, so a loop makes none.
pub(crate) fn start_progress(world: &World) -> u64 {
    let pods: u64 = world.workloads.iter().map(Workload::pod_progress).sum();
    let listed = u64::from(world.flink.job.is_some());
    let tasks = world.flink.job.as_ref().map_or(0, crate::flink::JobDetail::task_progress);
    pods + listed + tasks
}

/// Whether a task restores its state, and no exception came for so many seconds.
///
/// It can take hours to download the state, and nothing that Flink shows changes meanwhile.
pub(crate) fn is_initializing(world: &World, quiet_seconds: i64) -> bool {
    let Some(detail) = world.flink.job.as_ref().filter(|detail| detail.has_initializing_task()) else { return false };
    let newest = newest_exception_time(world).filter(|at| *at > 0);
    newest.is_none_or(|at| detail.now - at >= quiet_seconds * 1000)
}
