//! Takes the last checkpoint as the restore point, if no savepoint can be taken. The job is never cancelled, because that deletes its
//! checkpoints.
//!
//! Flink replaces a checkpoint by the next one that completes (`state.checkpoints.num-retained` is 1 by default). So the TaskManagers are
//! stopped first: no further checkpoint can complete, and the path that is recorded then stays.

use super::stop_outcome;
use crate::{
    api::{
        Component, FlinkRolloutStatus, JobId, PerComponent, RestorePoint, RestorePointKind, RunningJob, StatePath,
        Time, WorkloadSnapshot,
    },
    flink::JobState,
    rollout::{
        effect::{Effect, POLL_FAST, Step},
        offers::{describe_no_state, find_last_state},
        operation::Operation,
        request::requested_path,
        restart_strategy::{RestartStrategy, is_retained, refuse_last_checkpoint},
        transition::{StatusExt as _, end_untouched},
        world::World,
    },
};

pub(super) fn next_step(
    world: &World,
    status: FlinkRolloutStatus,
    job: &RunningJob,
    workloads: &PerComponent<WorkloadSnapshot>,
) -> Step {
    let held = status.operation(Operation::ScaleDownForCheckpoint).map(|operation| operation.started_at.clone());
    if held.is_some()
        && (world.is_past_deadline() || status.failure.is_some() || status.operation(Operation::ScaleBackUp).is_some())
    {
        return undo_hold(world, &status, job, workloads);
    }
    if held.as_ref().is_some_and(|at| stop_outcome::began_after(world, &job.id, at))
        || state_is_older(world, job)
        || state_without_checkpoints(world, job).is_some()
    {
        return undo_hold(world, &status, job, workloads);
    }
    let (Some(checkpoints), Some(_)) = (&world.flink.checkpoints, &world.flink.job) else {
        if world.is_past_deadline() {
            return end_untouched(world, "Flink does not say what its last checkpoint is", Vec::new());
        }
        return Step::Wait(POLL_FAST);
    };
    // A job without any state has none to lose. The start state of the target then is the restore point.
    let Some((path, at)) = find_last_state(checkpoints).or_else(|| Some((requested_path(world)?, None))) else {
        return end_untouched(world, &describe_no_state(&workloads.job_manager.deployment), Vec::new());
    };
    let ended = world.flink.job.as_ref().is_some_and(|detail| detail.state.is_terminal());
    let configuration = world.flink.configuration.as_ref();
    let refusal = refuse_last_checkpoint(job, configuration, &workloads.job_manager.deployment);
    if let Some(refusal) = refusal.filter(|_| !ended && held.is_none()) {
        return end_untouched(world, &refusal, Vec::new());
    }
    // Without a restart strategy, the loss of the TaskManagers would end the job, and with Flink's defaults the JobManager too.
    let still_checkpoints = !ended && RestartStrategy::of(job, configuration) != RestartStrategy::Disabled;
    if let Some(wait) = still_checkpoints.then(|| hold_checkpoints(world, &status)).flatten() {
        return wait;
    }
    record_checkpoint(world, status, &job.id, (path, at))
}

/// The state of a job that ended in a way that makes Flink delete its checkpoints.
fn state_without_checkpoints(world: &World, job: &RunningJob) -> Option<JobState> {
    let state = world.flink.job.as_ref()?.state;
    let deletes = match state {
        JobState::Finished | JobState::Canceled => true,
        JobState::Failed => !is_retained(job),
        _ => false,
    };
    deletes.then_some(state)
}

/// Whether Flink shows an older checkpoint than at Plan. Its container has restarted with its old arguments then.
fn state_is_older(world: &World, job: &RunningJob) -> bool {
    let (Some(checkpoints), Some(known)) = (&world.flink.checkpoints, &job.last_checkpoint) else { return false };
    let now = checkpoints.latest.completed.as_ref().map(|last| last.trigger_timestamp);
    now.is_none_or(|now| now < known.at.0.as_millisecond())
}

/// The next step until no further checkpoint can complete; `None` once that is so.
fn hold_checkpoints(world: &World, status: &FlinkRolloutStatus) -> Option<Step> {
    if !status.completed(Operation::ScaleDownForCheckpoint) {
        return Some(Step::act(Operation::ScaleDownForCheckpoint, Effect::Stop(Component::TaskManager)));
    }
    if world.workloads.task_manager.pods_gone().is_none() {
        return Some(Step::Wait(POLL_FAST));
    }
    let Some(quiet) = status.operation(Operation::NoNewCheckpoints) else {
        let mut status = status.clone();
        status.intend(&world.uid(), Operation::NoNewCheckpoints, world.now);
        return Some(Step::record(status));
    };
    (world.now.duration_since(quiet.started_at.0) < world.flink.max_cache_age()).then_some(Step::Wait(POLL_FAST))
}

fn record_checkpoint(
    world: &World,
    mut status: FlinkRolloutStatus,
    job: &JobId,
    (path, at): (StatePath, Option<Time>),
) -> Step {
    let completed = world.flink.checkpoints.as_ref().and_then(|checkpoints| checkpoints.latest.completed.as_ref());
    status.restore_point = Some(RestorePoint {
        name: world.rollout.metadata.name.clone().unwrap_or_default(),
        kind: RestorePointKind::Checkpoint,
        path,
        size_bytes: completed.map(|last| last.state_size),
        job_id: Some(job.clone()),
        at: at.unwrap_or_else(|| world.time()),
        revision: status.plan.as_ref().and_then(|plan| plan.previous_revision),
    });
    Step::record(status)
}

/// Starts the TaskManagers again. Nothing was stopped yet, so the job goes on by itself.
fn undo_hold(
    world: &World,
    status: &FlinkRolloutStatus,
    job: &RunningJob,
    workloads: &PerComponent<WorkloadSnapshot>,
) -> Step {
    if status.operation(Operation::ScaleDownForCheckpoint).is_some() && !status.completed(Operation::ScaleBackUp) {
        return Step::act(Operation::ScaleBackUp, Effect::Start { task_managers: workloads.task_manager.replicas });
    }
    let why = match (&status.failure, state_without_checkpoints(world, job)) {
        (Some(abort), _) => abort.message.clone(),
        (None, Some(state)) => format!(
            "the job is {state}, and Flink deletes the checkpoints of such a job: start from a restore point, from a path, or from nothing"
        ),
        (None, None) if world.is_past_deadline() => {
            "Flink did not say in time what its last checkpoint is; the TaskManagers are back".to_owned()
        }
        (None, None) => format!(
            "the JobManager was replaced meanwhile and may have begun again from an older state: look at what it runs. The last \
             checkpoint known before is {}",
            job.last_checkpoint.as_ref().map_or("not known", |checkpoint| &checkpoint.path)
        ),
    };
    end_untouched(world, &why, Vec::new())
}
