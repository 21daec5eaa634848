//! Savepoint: the stop with a savepoint. The recorded intent of `/stop` is the point of no return.
//!
//! The path is taken from `/checkpoints`, never from the status of the stop: with Flink's defaults, reading that once lets the
//! JobManager go, and the path with it (2.2.1).

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;

use super::{
    Decision, Effect, SOON, end,
    people::STOP,
    progress::{StatusExt as _, halt, turn_back},
    world::World,
};
use crate::{
    api::{
        Before, Choice, FlinkRollout, FlinkRolloutStatus, Plan, RestorePoint, RestorePointKind, Stage, StageOutcome,
        StartFrom, StartFromKind, WorkloadSnapshot,
    },
    cluster::Workload,
    flink::{JobState, SavepointOperation, StopRequest, path_in_message, same_path},
};

/// The directory that a rollout's savepoint goes to; nothing else is ever written there. The uid keeps a rollout that was deleted and
/// made again under its name from finding its predecessor's savepoint.
#[must_use]
pub fn own_directory(base: &str, rollout: &FlinkRollout) -> String {
    let uid: String = rollout.uid().unwrap_or_default().chars().take(8).collect();
    format!("{}/{}-{uid}", base.trim_end_matches('/'), rollout.name_any())
}

pub(super) fn decide(world: &World) -> Decision {
    let status = world.status();
    let Some(plan) = status.plan.clone() else {
        return end::untouched(world, "the plan is gone; start a new rollout", Vec::new());
    };
    if status.restore_point.is_some() {
        return leave(world, status);
    }
    if status.operation(STOP).is_none() {
        if let Some(why) = outdated(world, &plan) {
            return end::untouched(
                world,
                &format!("outdated: {why} since the plan was made; ask for it again"),
                Vec::new(),
            );
        }
        if let Some(status) = replicas_read_again(world, &status) {
            return Decision::record(status);
        }
    }
    if !status.completed("create-versioned-objects") {
        return Decision::act("create-versioned-objects", Effect::CreateVersionedObjects);
    }
    let Some(before) = plan.before.as_ref() else {
        return skipped(world, status, "a first deployment: there is no state yet");
    };
    match (&before.job_id, world.rollout.spec.request.start_from.from) {
        (None, _) => without_a_job(world, status),
        (Some(job), StartFromKind::LastCheckpoint) => from_checkpoint(world, status, job, before),
        (Some(job), _) => stop(world, status, &plan, job),
    }
}

fn skipped(world: &World, mut status: FlinkRolloutStatus, why: &str) -> Decision {
    status.advance(world, StageOutcome::Skipped, why, Stage::Stop);
    Decision::record(status)
}

/// With the restore point recorded: on to the stop, or back if somebody aborted meanwhile.
fn leave(world: &World, mut status: FlinkRolloutStatus) -> Decision {
    let Some(point) = status.restore_point.clone() else { return Decision::Wait(SOON) };
    if let Some(abort) = status.failure.clone() {
        return Decision::record(turn_back(world, status, &abort.message));
    }
    let size = point.size_bytes.map_or_else(String::new, |bytes| format!(", {bytes} bytes"));
    let evidence = format!("{}{size}", point.path);
    status.advance(world, StageOutcome::Done, &evidence, Stage::Stop);
    Decision::record(status)
}

/// What differs from the plan, if anything does: right before the stop it must all be as it was approved.
fn outdated(world: &World, plan: &Plan) -> Option<String> {
    let before = plan.before.as_ref()?;
    let differs = |planned: &WorkloadSnapshot, live: &Workload| -> Option<String> {
        let name = &planned.deployment;
        let Some(now) = live.snapshot() else { return Some(format!("Deployment {name} is gone")) };
        if now.uid != planned.uid {
            return Some(format!("Deployment {name} was made anew"));
        }
        if now.template_digest != planned.template_digest || now.replica_set_uid != planned.replica_set_uid {
            return Some(format!("the pods of Deployment {name} were changed"));
        }
        (now.image_ids != planned.image_ids).then(|| format!("the images of Deployment {name} changed"))
    };
    differs(&before.job_manager, &world.job_manager)
        .or_else(|| differs(&before.task_manager, &world.task_manager))
        .or_else(|| {
            let jobs = world.flink.jobs.as_ref()?;
            let planned = before.job_id.as_ref()?;
            let runs = jobs.iter().any(|job| &job.jid == planned && !job.state.is_terminal());
            (!runs).then(|| "the job was replaced or ended".to_owned())
        })
}

/// Replica counts are read again right before the stop: somebody may have scaled while the approval was waited for.
fn replicas_read_again(world: &World, status: &FlinkRolloutStatus) -> Option<FlinkRolloutStatus> {
    let mut next = status.clone();
    let before = next.plan.as_mut()?.before.as_mut()?;
    let live = world.task_manager.replicas();
    if before.task_manager.replicas == live {
        return None;
    }
    before.task_manager.replicas = live;
    Some(next)
}

/// Nothing runs: what the request names is also what the rollout goes back to.
fn without_a_job(world: &World, mut status: FlinkRolloutStatus) -> Decision {
    let Some(path) = super::start::requested_path(world) else {
        return skipped(world, status, "nothing runs and the start is empty: there is no state to keep");
    };
    status.restore_point = Some(RestorePoint {
        name: world.rollout.metadata.name.clone().unwrap_or_default(),
        kind: RestorePointKind::Savepoint,
        path,
        size_bytes: None,
        job_id: String::new(),
        at: world.time(),
        revision: status.plan.as_ref().and_then(|plan| plan.previous_revision),
    });
    Decision::record(status)
}

/// The last checkpoint: read now, never cancelled for (Flink deletes retained checkpoints of a job that finished).
fn from_checkpoint(world: &World, mut status: FlinkRolloutStatus, job: &str, before: &Before) -> Decision {
    let Some(checkpoints) = &world.flink.checkpoints else {
        if !world.past_deadline() {
            return Decision::Wait(SOON);
        }
        return end::untouched(world, "Flink does not say what its last checkpoint is", Vec::new());
    };
    let last = checkpoints.latest.completed.as_ref();
    let path = last.and_then(|last| last.external_path.clone()).or_else(|| before.last_checkpoint.clone());
    let Some(path) = path else { return end::untouched(world, "the job has completed no checkpoint", Vec::new()) };
    status.restore_point = Some(RestorePoint {
        name: world.rollout.metadata.name.clone().unwrap_or_default(),
        kind: RestorePointKind::Checkpoint,
        path,
        size_bytes: last.map(|last| last.state_size),
        job_id: job.to_owned(),
        at: last
            .and_then(|last| Timestamp::from_millisecond(last.trigger_timestamp).ok())
            .map_or_else(|| world.time(), super::progress::k8s_time),
        revision: status.plan.as_ref().and_then(|plan| plan.previous_revision),
    });
    Decision::record(status)
}

fn stop(world: &World, status: FlinkRolloutStatus, plan: &Plan, job: &str) -> Decision {
    let directory = own_directory(&plan.settings.savepoint.directory, &world.rollout);
    let trigger_id = super::operation_id(&world.uid(), status.direction, status.attempt, STOP);
    if status.operation(STOP).is_none() && world.past_deadline() {
        return end::untouched(
            world,
            "Flink did not answer until the deadline, so the stop was never asked for",
            Vec::new(),
        );
    }
    if !status.completed(STOP) && !world.past_deadline() {
        let request = StopRequest { trigger_id, directory, format: plan.settings.savepoint.format };
        if world.flink.jobs.is_none() && status.operation(STOP).is_none() {
            return Decision::Wait(SOON);
        }
        return Decision::act(STOP, Effect::StopWithSavepoint { job: job.to_owned(), request });
    }
    match seen(world, job, &directory) {
        Seen::Savepoint(path, kind) => record_point(world, status, job, path, kind),
        Seen::Refused(cause) => refused(world, &status, &cause),
        Seen::Nothing if world.past_deadline() => Decision::record(halt(
            world,
            status,
            "Flink gave no answer about the stop, and no savepoint was found: look at the JobManager and its savepoint directory, then resume or give up",
            false,
            Vec::new(),
        )),
        Seen::Nothing => Decision::Wait(SOON),
    }
}

enum Seen {
    Savepoint(String, RestorePointKind),
    Refused(String),
    Nothing,
}

/// What is known about the stop, from the surest source to the last.
fn seen(world: &World, job: &str, directory: &str) -> Seen {
    let state = world.flink.job.as_ref().map(|detail| detail.state);
    let completed = world.flink.checkpoints.as_ref().and_then(|checkpoints| checkpoints.latest.savepoint.as_ref());
    let ours = completed
        .filter(|savepoint| savepoint.status == "COMPLETED")
        .and_then(|savepoint| savepoint.external_path.as_ref())
        .filter(|path| path.rsplit_once('/').is_some_and(|(parent, _)| same_path(parent, directory)));
    if let (Some(JobState::Finished), Some(path)) = (state, ours) {
        return Seen::Savepoint(path.clone(), RestorePointKind::Savepoint);
    }
    match &world.flink.stop {
        // A location means that the job has finished since it was last looked at.
        Some(Ok(SavepointOperation::Completed(path))) => {
            return Seen::Savepoint(path.clone(), RestorePointKind::Savepoint);
        }
        Some(Ok(SavepointOperation::Failed { cause, trace })) => {
            return match (path_in_message(trace), state) {
                (Some(path), Some(state)) if state != JobState::Running => {
                    Seen::Savepoint(path.to_owned(), RestorePointKind::UncommittedSavepoint)
                }
                (_, Some(JobState::Running)) => Seen::Refused(cause.clone()),
                _ => Seen::Nothing,
            };
        }
        Some(Err(answer)) if state == Some(JobState::Running) => {
            return Seen::Refused(format!(
                "the JobManager was replaced during the stop and the job runs again ({answer})"
            ));
        }
        _ => {}
    }
    // An empty list says nothing: a JobManager that restarts knows no job yet.
    let stopped = world
        .flink
        .jobs
        .as_ref()
        .is_some_and(|jobs| jobs.iter().any(|known| known.jid == job && known.state == JobState::Finished));
    match world.seen.as_deref() {
        Some([only]) if stopped || (world.flink.jobs.is_none() && world.past_deadline()) => {
            Seen::Savepoint(only.path.clone(), RestorePointKind::Savepoint)
        }
        _ => Seen::Nothing,
    }
}

fn record_point(
    world: &World,
    mut status: FlinkRolloutStatus,
    job: &str,
    path: String,
    kind: RestorePointKind,
) -> Decision {
    let known = world.flink.checkpoints.as_ref().and_then(|checkpoints| checkpoints.latest.savepoint.as_ref());
    let at = known
        .and_then(|savepoint| Timestamp::from_millisecond(savepoint.trigger_timestamp).ok())
        .filter(|at| at.as_millisecond() > 0);
    status.restore_point = Some(RestorePoint {
        name: world.rollout.metadata.name.clone().unwrap_or_default(),
        kind,
        path,
        size_bytes: known.map(|savepoint| savepoint.state_size),
        job_id: job.to_owned(),
        at: super::progress::k8s_time(at.unwrap_or(world.now)),
        revision: status.plan.as_ref().and_then(|plan| plan.previous_revision),
    });
    Decision::record(status)
}

/// The job runs on and no savepoint was made: untouched, with what else could be asked for.
fn refused(world: &World, status: &FlinkRolloutStatus, cause: &str) -> Decision {
    if let Some(abort) = &status.failure {
        return end::untouched(world, &abort.message, Vec::new());
    }
    let before = status.plan.as_ref().and_then(|plan| plan.before.as_ref());
    let checkpoint =
        before.and_then(|before| before.last_checkpoint.as_deref().zip(before.last_checkpoint_at.as_ref()));
    let choices = checkpoint.map(|(path, at)| last_checkpoint(world, path, at)).into_iter().collect();
    end::untouched(world, &format!("no savepoint, and the job runs on: {cause}"), choices)
}

/// The offer to go on from a checkpoint without a savepoint.
fn last_checkpoint(world: &World, path: &str, at: &crate::api::Time) -> Choice {
    let age = world.now.duration_since(at.0).max(SignedDuration::ZERO).as_secs();
    Choice {
        start_from: StartFrom::plain(StartFromKind::LastCheckpoint),
        cost: format!(
            "the newest checkpoint known is {path}, {age} s old; what came after the last one is processed again"
        ),
    }
}
