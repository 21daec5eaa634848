//! On from the last checkpoint, where no savepoint can be taken. The job is never cancelled for it: that deletes its checkpoints.
//!
//! Flink replaces a checkpoint by the next one that completes (`state.checkpoints.num-retained` is 1 by default), so first no other may
//! complete any more: the TaskManagers go to 0, and only then is the path read and recorded.

use jiff::{SignedDuration, Timestamp};

use super::{
    Decision, Effect, SOON,
    effect::Which,
    end,
    people::HOLD,
    progress::{StatusExt as _, k8s_time},
    start, stop_outcome,
    world::World,
};
use crate::{
    api::{Before, Choice, FlinkRolloutStatus, RestorePoint, RestorePointKind, StartFrom, StartFromKind, Time},
    flink::Checkpoints,
};

/// Noted when the last TaskManager was gone.
const QUIET: &str = "task-managers-gone";
/// What undoes the hold.
const BACK: &str = "scale-task-manager-back";

pub(super) fn decide(world: &World, status: FlinkRolloutStatus, job: &str, before: &Before) -> Decision {
    let held = status.operation(HOLD).map(|operation| operation.started_at.clone());
    if held.is_some() && (world.past_deadline() || status.failure.is_some() || status.operation(BACK).is_some()) {
        return let_go(world, &status, before);
    }
    if held.is_some_and(|at| stop_outcome::began_after(world, job, &at)) || goes_back(world, before) {
        return let_go(world, &status, before);
    }
    let Some(checkpoints) = world.flink.checkpoints.as_ref() else {
        if world.past_deadline() {
            return end::untouched(world, "Flink does not say what its last checkpoint is", Vec::new());
        }
        return Decision::Wait(SOON);
    };
    // Where it has none to lose, what the target starts from stands in for it.
    let Some((path, at)) = last(checkpoints).or_else(|| Some((start::requested_path(world)?, None))) else {
        return end::untouched(world, &no_state(&before.job_manager.deployment), Vec::new());
    };
    let ended = world.flink.job.as_ref().is_some_and(|detail| detail.state.is_terminal());
    let still_checkpoints = !ended && !gives_up_at_once(world);
    if let Some(wait) = still_checkpoints.then(|| hold(world, &status)).flatten() {
        return wait;
    }
    record(world, status, job, (path, at))
}

/// Why a job cannot be given up without a savepoint, and the way that there is.
pub(super) fn no_state(job_manager: &str) -> String {
    format!(
        "the job has completed no checkpoint and was restored from none, so there is no state to keep: if it may be lost, scale its \
         Deployment {job_manager} to 0, then start from nothing"
    )
}

/// The last state that is known: a checkpoint, or what the job was started from if it completed none since.
fn last(checkpoints: &Checkpoints) -> Option<(String, Option<Time>)> {
    let completed = checkpoints.latest.completed.as_ref().and_then(|last| {
        let at = Timestamp::from_millisecond(last.trigger_timestamp).ok().map(k8s_time);
        Some((last.external_path.clone()?, at))
    });
    completed.or_else(|| Some((checkpoints.latest.restored.as_ref()?.external_path.clone()?, None)))
}

/// Whether what Flink shows is older than what it showed at Plan: its container ended and began again with its old arguments.
fn goes_back(world: &World, before: &Before) -> bool {
    let (Some(checkpoints), Some(known)) = (&world.flink.checkpoints, &before.last_checkpoint_at) else { return false };
    let now = checkpoints.latest.completed.as_ref().map(|last| last.trigger_timestamp);
    now.is_none_or(|now| now < known.0.as_millisecond())
}

/// Without a restart strategy the loss of its TaskManagers would end the job, and a JobManager with Flink's defaults with it.
fn gives_up_at_once(world: &World) -> bool {
    let configuration = world.flink.configuration.as_ref();
    let strategy =
        configuration.and_then(|all| all.get("restart-strategy.type").or_else(|| all.get("restart-strategy")));
    strategy.is_some_and(|strategy| matches!(strategy.as_str(), "none" | "off" | "disable"))
}

/// What is still to be done or waited for until no further checkpoint can complete.
fn hold(world: &World, status: &FlinkRolloutStatus) -> Option<Decision> {
    if !status.completed(HOLD) {
        return Some(Decision::act(HOLD, Effect::ScaleDown(Which::TaskManager)));
    }
    if world.task_manager.pods_gone().is_none() {
        return Some(Decision::Wait(SOON));
    }
    let Some(quiet) = status.operation(QUIET) else {
        let mut status = status.clone();
        status.intend(&world.uid(), QUIET, world.now);
        return Some(Decision::record(status));
    };
    (world.now.duration_since(quiet.started_at.0) < world.flink.cached_for()).then_some(Decision::Wait(SOON))
}

fn record(world: &World, mut status: FlinkRolloutStatus, job: &str, (path, at): (String, Option<Time>)) -> Decision {
    let completed = world.flink.checkpoints.as_ref().and_then(|checkpoints| checkpoints.latest.completed.as_ref());
    status.restore_point = Some(RestorePoint {
        name: world.rollout.metadata.name.clone().unwrap_or_default(),
        kind: RestorePointKind::Checkpoint,
        path,
        size_bytes: completed.map(|last| last.state_size),
        job_id: job.to_owned(),
        at: at.unwrap_or_else(|| world.time()),
        revision: status.plan.as_ref().and_then(|plan| plan.previous_revision),
    });
    Decision::record(status)
}

/// Nothing was stopped yet: with its TaskManagers back the job goes on by itself.
fn let_go(world: &World, status: &FlinkRolloutStatus, before: &Before) -> Decision {
    if status.operation(HOLD).is_some() && !status.completed(BACK) {
        return Decision::act(BACK, Effect::ScaleUp { task_managers: before.task_manager.replicas });
    }
    let why = match &status.failure {
        Some(abort) => abort.message.clone(),
        None if world.past_deadline() => {
            "Flink did not say in time what its last checkpoint is; the TaskManagers are back".to_owned()
        }
        None => format!(
            "the JobManager was replaced meanwhile and may have begun again from an older state: look at what it runs. The last \
             checkpoint known before is {}",
            before.last_checkpoint.as_deref().unwrap_or("not known")
        ),
    };
    end::untouched(world, &why, Vec::new())
}

/// The offer to go on from a checkpoint without a savepoint.
pub(super) fn offer(world: &World, path: &str, at: &Time) -> Choice {
    let age = world.now.duration_since(at.0).max(SignedDuration::ZERO).as_secs();
    Choice {
        start_from: StartFrom::plain(StartFromKind::LastCheckpoint),
        cost: format!(
            "the newest checkpoint known is {path}, {age} s old; what came after the last one is processed again"
        ),
    }
}

/// The offer to give up what runs, where the target starts from something else anyway.
pub(super) fn offer_to_give_up(world: &World) -> Option<Choice> {
    let asked = &world.rollout.spec.request.start_from;
    asked.from.needs_no_job().then(|| Choice {
        start_from: asked.clone().without_savepoint(),
        cost: "what was processed since then counts as lost: of what runs now only its last checkpoint is kept, as the restore point"
            .to_owned(),
    })
}
