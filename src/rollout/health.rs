//! What the pods, Flink's exceptions and the JobManager's log say is wrong.

use super::world::World;
use crate::{
    api::Stage,
    cluster::{PodFailure, pod_failure},
    flink::{JobDetail, JobState},
};

/// So long the reason of an end is waited for, seconds.
const REASON_TIMEOUT_SECONDS: i64 = 10;

/// Any end of a JobManager container, and anything that keeps it from starting.
pub(super) fn job_manager_failure(world: &World) -> Option<String> {
    let trouble = pod_failure(&world.workloads.job_manager).filter(|trouble| !is_known_failure(world, trouble))?;
    let reason = failure_reason(world).map_or_else(String::new, |reason| format!(": {reason}"));
    Some(format!("{}{reason}", trouble.sentence()))
}

/// Whether the log of a container that Flink itself ended may still say why. While the kubelet starts the next one, either log can be out
/// of reach. Nothing else is decided meanwhile: the next one may run as if nothing had been.
pub(super) fn waits_for_log(world: &World) -> bool {
    match pod_failure(&world.workloads.job_manager).filter(|trouble| !is_known_failure(world, trouble)) {
        Some(PodFailure::Exited { code: 1 | 2 | 163, at: Some(at), .. }) if failure_reason(world).is_none() => {
            (0..REASON_TIMEOUT_SECONDS).contains(&world.now.duration_since(at.0).as_secs())
        }
        _ => false,
    }
}

/// The end of a container that a person saw and resumed the watch in spite of.
fn is_known_failure(world: &World, trouble: &PodFailure) -> bool {
    let status = world.status();
    let mut stages = status.stages.iter().rev();
    let resumed = stages.next().filter(|record| record.stage == Stage::Monitor);
    let resumed = resumed.filter(|_| stages.next().is_some_and(|record| record.stage == Stage::Monitor));
    match (resumed, trouble) {
        (Some(record), PodFailure::Exited { at: Some(at), .. }) => at.0 < record.started_at.0,
        _ => false,
    }
}

/// What Flink itself, or else the JobManager's log, says is wrong.
pub(super) fn failure_reason(world: &World) -> Option<String> {
    let newest = world.flink.exceptions.as_ref().and_then(|exceptions| exceptions.exception_history.entries.first());
    newest
        .map(|entry| match &entry.task_name {
            Some(task) => format!("{} in {task}", entry.headline()),
            None => entry.headline(),
        })
        .or_else(|| world.logged_cause.clone())
}

/// How a job ended; none for a moment where one that FAILED has not said why. A `JobManager` may show FAILED for less than a second before
/// it exits, and what is asked for next finds nobody: the log of the container that ended then tells.
pub(super) fn describe_end(world: &World, detail: &JobDetail) -> Option<String> {
    let reason = failure_reason(world);
    match detail.state {
        JobState::Finished => Some("the job FINISHED although a running application was deployed".to_owned()),
        JobState::Failed if reason.is_none() && has_just_failed(detail) => None,
        state => Some(format!("the job is {state}{}", reason.map_or_else(String::new, |reason| format!(": {reason}")))),
    }
}

/// By Flink's own clock.
fn has_just_failed(detail: &JobDetail) -> bool {
    let at = detail.timestamps.get("FAILED");
    at.is_some_and(|at| (0..REASON_TIMEOUT_SECONDS * 1000).contains(&(detail.now - at)))
}

/// When the newest exception that is known had happened, by Flink's clock in milliseconds.
pub(super) fn newest_exception_time(world: &World) -> Option<i64> {
    let entries = &world.flink.exceptions.as_ref()?.exception_history.entries;
    Some(entries.iter().map(|entry| entry.timestamp).max().unwrap_or_default())
}
