//! The failure reason, from Flink's exceptions or from the `JobManager`'s log.

use crate::{
    cluster::{find_end, is_end_by_flink},
    rollout::world::World,
};

/// How long to wait for the failure reason, in seconds.
const REASON_TIMEOUT_SECONDS: i64 = 10;

/// Whether the log of a container that Flink itself ended may still name the reason.
///
/// While the kubelet starts the next container, neither log can be read for a moment. Nothing else is decided meanwhile, because the
/// next container may run as if nothing had happened.
pub(crate) fn waits_for_log(world: &World) -> bool {
    let recorded = world.rollout.status.as_ref().and_then(|status| status.job.as_ref()?.ends.as_ref()?.at.clone());
    let Some(end) = find_end(&world.workloads.job_manager) else { return false };
    match end.at {
        Some(at) if is_end_by_flink(end.code) && failure_reason(world).is_none() => {
            let is_new = recorded.is_none_or(|recorded| at.0 > recorded.0);
            is_new && (0..REASON_TIMEOUT_SECONDS).contains(&world.now.duration_since(at.0).as_secs())
        }
        _ => false,
    }
}

/// The failure reason, from Flink's newest exception or else from the JobManager's log.
pub(crate) fn failure_reason(world: &World) -> Option<String> {
    let newest = world.flink.exceptions.as_ref().and_then(|exceptions| exceptions.exception_history.entries.first());
    newest
        .map(|entry| match &entry.task_name {
            Some(task) => format!("{} in {task}", entry.headline()),
            None => entry.headline(),
        })
        .or_else(|| world.logged_cause.clone())
}

/// Whether a job that failed this many milliseconds ago may still tell its reason.
///
/// A `JobManager` may show FAILED for less than a second before it exits, so the next question gets no answer. The log of the container
/// names the reason then.
pub(super) fn may_still_name_reason(millis: i64) -> bool {
    (0..REASON_TIMEOUT_SECONDS * 1000).contains(&millis)
}

/// When the newest known exception happened, in milliseconds by Flink's clock; 0 if there is none.
pub(crate) fn newest_exception_time(world: &World) -> Option<i64> {
    let entries = &world.flink.exceptions.as_ref()?.exception_history.entries;
    Some(entries.iter().map(|entry| entry.timestamp).max().unwrap_or_default())
}
