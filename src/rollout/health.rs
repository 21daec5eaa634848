//! Finds out what is wrong: from the pods, from Flink's exceptions and from the JobManager's log.

use super::world::World;
use crate::{
    api::Stage,
    cluster::{PodFailure, pod_failure},
    flink::{JobDetail, JobState},
};

/// How long to wait for the failure reason, in seconds.
const REASON_TIMEOUT_SECONDS: i64 = 10;

/// Why the JobManager failed: its container ended, or cannot start.
pub(super) fn job_manager_failure(world: &World) -> Option<String> {
    let failure = pod_failure(&world.workloads.job_manager).filter(|failure| !is_known_failure(world, failure))?;
    let reason = failure_reason(world).map_or_else(String::new, |reason| format!(": {reason}"));
    Some(format!("{}{reason}", failure.sentence()))
}

/// Whether the log of a container that Flink itself ended may still name the reason.
///
/// While the kubelet starts the next container, neither log can be read for a moment. Nothing else is decided meanwhile, because the
/// next container may run as if nothing had happened.
pub(super) fn waits_for_log(world: &World) -> bool {
    match pod_failure(&world.workloads.job_manager).filter(|failure| !is_known_failure(world, failure)) {
        Some(PodFailure::Exited { code: 1 | 2 | 163, at: Some(at), .. }) if failure_reason(world).is_none() => {
            (0..REASON_TIMEOUT_SECONDS).contains(&world.now.duration_since(at.0).as_secs())
        }
        _ => false,
    }
}

/// Whether the container ended before a person resumed the watch. That person knew of it.
fn is_known_failure(world: &World, failure: &PodFailure) -> bool {
    let status = world.status();
    let mut stages = status.stages.iter().rev();
    let resumed = stages.next().filter(|record| record.stage == Stage::Monitor);
    let resumed = resumed.filter(|_| stages.next().is_some_and(|record| record.stage == Stage::Monitor));
    match (resumed, failure) {
        (Some(record), PodFailure::Exited { at: Some(at), .. }) => at.0 < record.started_at.0,
        _ => false,
    }
}

/// The failure reason, from Flink's newest exception or else from the JobManager's log.
pub(super) fn failure_reason(world: &World) -> Option<String> {
    let newest = world.flink.exceptions.as_ref().and_then(|exceptions| exceptions.exception_history.entries.first());
    newest
        .map(|entry| match &entry.task_name {
            Some(task) => format!("{} in {task}", entry.headline()),
            None => entry.headline(),
        })
        .or_else(|| world.logged_cause.clone())
}

/// How a job ended. It is `None` for a moment while the reason of a FAILED job is not known yet.
///
/// A `JobManager` may show FAILED for less than a second before it exits, so the next question gets no answer. The log of the container
/// names the reason then.
pub(super) fn describe_end(world: &World, detail: &JobDetail) -> Option<String> {
    let reason = failure_reason(world);
    match detail.state {
        JobState::Finished => Some("the job FINISHED although a running application was deployed".to_owned()),
        JobState::Failed if reason.is_none() && has_just_failed(detail) => None,
        state => Some(format!("the job is {state}{}", reason.map_or_else(String::new, |reason| format!(": {reason}")))),
    }
}

/// Whether the job failed within the last seconds, by Flink's own clock.
fn has_just_failed(detail: &JobDetail) -> bool {
    let at = detail.timestamps.get("FAILED");
    at.is_some_and(|at| (0..REASON_TIMEOUT_SECONDS * 1000).contains(&(detail.now - at)))
}

/// When the newest known exception happened, in milliseconds by Flink's clock; 0 if there is none.
pub(super) fn newest_exception_time(world: &World) -> Option<i64> {
    let entries = &world.flink.exceptions.as_ref()?.exception_history.entries;
    Some(entries.iter().map(|entry| entry.timestamp).max().unwrap_or_default())
}
