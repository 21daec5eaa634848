//! Finds out what became of the stop. The most reliable source is asked first.

use super::own_savepoint::{find_own_savepoint, has_ended_for_good};
use crate::{
    api::{JobId, RestorePointKind, RunningJob, StatePath, Time},
    flink::{Checkpoint, JobOverview, JobState, SavepointOperation, path_in_message},
    rollout::{
        operation::Operation,
        transition::StatusExt as _,
        world::{StopStatus, World},
    },
};

pub(super) enum StopOutcome {
    /// The stop made a restore point.
    Savepoint(StatePath, RestorePointKind),
    /// The job runs on, and no savepoint can be used; why.
    RunsOn(String),
    /// Only a person can find out; where to look.
    Unclear(String),
    /// The savepoint is complete, but the job has not finished in time; where to look.
    Finishing(String),
    /// Flink is still working on the stop.
    UnderWay,
    /// Nothing is known yet.
    Nothing,
}

pub(super) fn find_stop_outcome(world: &World, job: &RunningJob) -> StopOutcome {
    let state = world.flink.job.as_ref().map(|detail| detail.state);
    let savepoint = find_own_savepoint(world, &world.flink);
    match (state, savepoint.and_then(|savepoint| savepoint.external_path.as_ref())) {
        (Some(JobState::Finished), Some(path)) => {
            return StopOutcome::Savepoint(path.clone(), RestorePointKind::Savepoint);
        }
        (Some(JobState::Failed), Some(path)) => {
            return StopOutcome::Savepoint(path.clone(), RestorePointKind::UncommittedSavepoint);
        }
        (Some(state), Some(path)) if !state.is_terminal() && restarted_since(world, savepoint) => {
            return StopOutcome::RunsOn(format!(
                "the savepoint {path} was completed, but the job failed while stopping and runs again, so that savepoint is not its \
                 last state any more"
            ));
        }
        (Some(state), Some(path)) if !state.is_terminal() && world.is_past_deadline() => {
            return StopOutcome::Finishing(format!(
                "Flink has completed the savepoint {path}, but the job is {state} and does not finish: look at its tasks. If it \
                 finishes, resume; to go on from the savepoint all the same, scale both Deployments to 0, give up, and start from its path"
            ));
        }
        _ => {}
    }
    match &world.flink.stop {
        // A location means that the job has finished since the last look.
        StopStatus::Known(SavepointOperation::Completed(path)) => {
            return StopOutcome::Savepoint(path.clone(), RestorePointKind::Savepoint);
        }
        StopStatus::Known(SavepointOperation::Failed { cause, trace }) => {
            return match (path_in_message(trace), state) {
                (Some(path), Some(state)) if state != JobState::Running => {
                    StopOutcome::Savepoint(path, RestorePointKind::UncommittedSavepoint)
                }
                (_, Some(JobState::Running)) => StopOutcome::RunsOn(cause.clone()),
                _ => StopOutcome::Nothing,
            };
        }
        StopStatus::Forgotten(answer) if state == Some(JobState::Running) => {
            return judge_forgotten_stop(world, &job.id, answer);
        }
        _ => {}
    }
    if world.flink.checkpoints.as_ref().is_some_and(crate::flink::Checkpoints::stop_in_progress) {
        return StopOutcome::UnderWay;
    }
    find_without_flink(world, job)
}

/// Whether the job restarted after the savepoint was triggered. All times are Flink's.
///
/// The adaptive scheduler makes a new execution graph, which has no time of RESTARTING. But its restore is counted as a new one.
fn restarted_since(world: &World, savepoint: Option<&Checkpoint>) -> bool {
    let Some(triggered) = savepoint.map(|savepoint| savepoint.trigger_timestamp) else { return false };
    let restarting = world.flink.job.as_ref().and_then(|job| job.timestamps.get("RESTARTING").copied());
    let restored = world.flink.checkpoints.as_ref().and_then(|checkpoints| checkpoints.latest.restored.as_ref());
    restarting.max(restored.map(|restored| restored.restore_timestamp)).is_some_and(|at| at > triggered)
}

/// Looks for the savepoint where Flink does not show it. An empty list of jobs proves nothing: a JobManager that restarts knows no job
/// yet.
fn find_without_flink(world: &World, job: &RunningJob) -> StopOutcome {
    let known = find_job(world, &job.id);
    if known.is_some_and(|known| known.state == JobState::Finished) {
        return found_savepoint(world, RestorePointKind::Savepoint);
    }
    let is_silent = world.flink_is_silent();
    let is_gone = world.workloads.job_manager.pods_gone().is_some();
    let runs_no_more =
        is_silent || is_gone || (world.flink.jobs.is_some() && known.is_none_or(|known| known.state.is_terminal()));
    if runs_no_more && has_ended_for_good(world, job) {
        return found_savepoint(world, RestorePointKind::UncommittedSavepoint);
    }
    match world.savepoints_on_disk.as_deref() {
        Some([only]) if is_silent && world.is_past_deadline() => {
            StopOutcome::Savepoint(only.clone(), RestorePointKind::Savepoint)
        }
        _ => StopOutcome::Nothing,
    }
}

/// The one savepoint in the rollout's directory; or the one that Flink showed, if the bot cannot see the directory.
fn found_savepoint(world: &World, kind: RestorePointKind) -> StopOutcome {
    let seen = world.status().savepoint_candidate.map(|seen| seen.path);
    let path = match world.savepoints_on_disk.as_deref() {
        Some([only]) => Some(only.clone()),
        Some(_) => None,
        None => seen,
    };
    path.map_or(StopOutcome::Nothing, |path| StopOutcome::Savepoint(path, kind))
}

/// What it means that the job runs and Flink does not know the stop. Flink forgets a stop with its JobManager, or after
/// `rest.async.store-duration` (5 minutes).
fn judge_forgotten_stop(world: &World, job: &JobId, answer: &str) -> StopOutcome {
    let status = world.status();
    let asked = status.operation(Operation::StopWithSavepoint).map(|operation| operation.started_at.clone());
    if asked.is_some_and(|at| !began_after(world, job, &at)) {
        return StopOutcome::RunsOn(format!(
            "the job has run on all the time, and the stop is not known any more ({answer})"
        ));
    }
    let restored = world.flink.checkpoints.as_ref().and_then(|checkpoints| checkpoints.latest.restored.as_ref());
    let restored = restored.and_then(|restored| restored.external_path.as_ref());
    // A checkpoint of this job means a failover. An older state, or none, means that the container started again after the stop.
    if let Some(checkpoint) = restored.filter(|path| path.contains(&**job)) {
        return StopOutcome::RunsOn(format!(
            "the JobManager was replaced during the stop and the job runs again from its checkpoint {checkpoint}"
        ));
    }
    match (world.savepoints_on_disk.as_deref(), &status.savepoint_candidate) {
        (Some([only]), _) => StopOutcome::Savepoint(only.clone(), RestorePointKind::Savepoint),
        // Flink had completed it, and what runs now began from an older state.
        (None, Some(seen)) => StopOutcome::Savepoint(seen.path.clone(), RestorePointKind::UncommittedSavepoint),
        (Some([]), None) => StopOutcome::RunsOn(
            "the JobManager was replaced before the savepoint was complete, and the job runs again".to_owned(),
        ),
        _ => StopOutcome::Unclear(format!(
            "the JobManager was replaced after the stop was asked for, and the job runs again from {}. Look into the rollout's savepoint \
             directory: if a savepoint is there, scale both Deployments to 0, give up, and start from its path",
            restored.map_or("nothing", |path| path)
        )),
    }
}

fn find_job<'a>(world: &'a World, job: &JobId) -> Option<&'a JobOverview> {
    world.flink.jobs.as_ref()?.iter().find(|known| &known.jid == job)
}

/// Whether the JobManager began to run the job after this moment.
pub(super) fn began_after(world: &World, job: &JobId, moment: &Time) -> bool {
    find_job(world, job).is_some_and(|known| known.start_time > moment.0.as_millisecond())
}
