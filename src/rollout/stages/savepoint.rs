//! Savepoint: the stop with a savepoint. The recorded intent of `/stop` is the point of no return.
//!
//! The path is taken from `/checkpoints`, never from the status of the stop: with Flink's defaults, reading that once lets the
//! JobManager go, and the path with it (2.2.1).

mod last_checkpoint;
mod stop_outcome;
mod stop_status;

use jiff::Timestamp;

use crate::{
    api::{Choice, FlinkRolloutStatus, Plan, RestorePoint, RestorePointKind, Stage, StageOutcome, WorkloadSnapshot},
    cluster::Workload,
    flink::StopRequest,
    rollout::{
        configuration::configuration_digest,
        effect::{Effect, POLL_FAST, Step},
        ids::{operation_id, own_directory},
        needs::{FlinkQuestions, Needs},
        offers,
        operation::Operation,
        request::requested_path,
        transition::{StatusExt as _, halt, turn_back, untouched},
        world::World,
    },
};
use stop_outcome::StopOutcome;

pub use stop_status::may_read_stop;

pub(super) const NEEDS: Needs = Needs { flink: FlinkQuestions::Stop, savepoints_on_disk: true, ..Needs::CLUSTER };

pub(super) fn next_step(world: &World) -> Step {
    let status = world.status();
    let Some(plan) = status.plan.clone() else {
        return untouched(world, "the plan is gone; start a new rollout", Vec::new());
    };
    if status.restore_point.is_some() {
        return leave(world, status);
    }
    if status.operation(Operation::StopWithSavepoint).is_none()
        && status.operation(Operation::ScaleDownForCheckpoint).is_none()
    {
        if let Some(why) = outdated(world, &plan) {
            return untouched(world, &format!("outdated: {why} since the plan was made; ask for it again"), Vec::new());
        }
        if let Some(status) = replicas_read_again(world, &status) {
            return Step::record(status);
        }
    }
    if !status.completed(Operation::CreateVersionedObjects) {
        return versioned_objects(world, &status);
    }
    let Some(before) = plan.before.as_ref() else {
        if requested_path(world).is_some() {
            return without_a_job(world, status);
        }
        return skipped(world, status, "a first deployment: there is no state yet");
    };
    match &before.job_id {
        None => without_a_job(world, status),
        Some(_)
            if status.operation(Operation::ScaleDownForCheckpoint).is_none()
                && status.operation(Operation::StopWithSavepoint).is_none()
                && !compared(world, &plan) =>
        {
            if world.past_deadline() {
                return untouched(
                    world,
                    "Flink did not answer until the deadline, so the stop was never asked for",
                    Vec::new(),
                );
            }
            Step::Wait(POLL_FAST)
        }
        Some(job) if world.rollout.spec.request.start_from.takes_no_savepoint() => {
            last_checkpoint::next_step(world, status, job, before)
        }
        Some(job) => stop(world, status, &plan, job),
    }
}

fn versioned_objects(world: &World, status: &FlinkRolloutStatus) -> Step {
    if !world.past_deadline() {
        return Step::act(Operation::CreateVersionedObjects, Effect::CreateVersionedObjects);
    }
    let trouble = status
        .operation(Operation::CreateVersionedObjects)
        .and_then(|operation| operation.last_error.clone())
        .unwrap_or_default();
    untouched(
        world,
        &format!("the versioned ConfigMaps and Secrets could not be created in time: {trouble}"),
        Vec::new(),
    )
}

fn skipped(world: &World, mut status: FlinkRolloutStatus, why: &str) -> Step {
    status.advance(world, StageOutcome::Skipped, why, Stage::Stop);
    Step::record(status)
}

/// With the restore point recorded: on to the stop, or back if somebody aborted meanwhile.
fn leave(world: &World, mut status: FlinkRolloutStatus) -> Step {
    let Some(point) = status.restore_point.clone() else { return Step::Wait(POLL_FAST) };
    if let Some(abort) = status.failure.clone() {
        return Step::record(turn_back(world, status, &abort.message));
    }
    let size = point.size_bytes.map_or_else(String::new, |bytes| format!(", {bytes} bytes"));
    let evidence = format!("{}{size}", point.path);
    status.advance(world, StageOutcome::Done, &evidence, Stage::Stop);
    Step::record(status)
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
    differs(&before.job_manager, &world.workloads.job_manager)
        .or_else(|| differs(&before.task_manager, &world.workloads.task_manager))
        .or_else(|| {
            let mut running = world.flink.jobs.iter().flatten().filter(|job| !job.state.is_terminal());
            match &before.job_id {
                Some(planned) if world.flink.jobs.is_some() => {
                    (!running.any(|job| &job.jid == planned)).then(|| "the job was replaced or ended".to_owned())
                }
                Some(_) => None,
                None => running.next().map(|job| format!("the job {} was started", job.jid)),
            }
        })
        .or_else(|| {
            let planned = before.configuration_digest.as_ref()?;
            let now = world.flink.configuration.as_ref().map(configuration_digest)?;
            (&now != planned).then(|| "Flink's configuration changed".to_owned())
        })
        .or_else(|| {
            let scaled_up = before.job_manager.replicas == 0 && world.workloads.job_manager.replicas() > 0;
            scaled_up.then(|| format!("Deployment {} was scaled up", before.job_manager.deployment))
        })
}

/// Whether Flink said enough to be compared with the plan.
fn compared(world: &World, plan: &Plan) -> bool {
    let planned = plan.before.as_ref().and_then(|before| before.configuration_digest.as_ref());
    world.flink.jobs.is_some() && (planned.is_none() || world.flink.configuration.is_some())
}

/// Replica counts are read again right before the stop: somebody may have scaled while the approval was waited for.
fn replicas_read_again(world: &World, status: &FlinkRolloutStatus) -> Option<FlinkRolloutStatus> {
    let mut next = status.clone();
    // Where nothing runs, the live count is not what the application runs with.
    let plan = next.plan.as_mut()?;
    let before = plan.before.as_mut().filter(|before| before.job_id.is_some())?;
    let live = world.workloads.task_manager.replicas();
    if before.task_manager.replicas == live {
        return None;
    }
    before.task_manager.replicas = live;
    if plan.target.keeps_replicas {
        plan.target.task_manager_replicas = live;
    }
    Some(next)
}

/// Nothing runs: what the request names is also what the rollout goes back to.
fn without_a_job(world: &World, mut status: FlinkRolloutStatus) -> Step {
    let Some(path) = requested_path(world) else {
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
    Step::record(status)
}

fn stop(world: &World, status: FlinkRolloutStatus, plan: &Plan, job: &str) -> Step {
    let directory = own_directory(&plan.settings.savepoint.directory, &world.rollout);
    let asked = status.operation(Operation::StopWithSavepoint).map(|operation| operation.started_at.clone());
    // Asked for a second time, a JobManager that was replaced meanwhile would stop what runs in it and take a second savepoint.
    let resumed = status.stages.iter().filter(|record| record.stage == Stage::Savepoint).count() > 1;
    let replaced = asked.as_ref().is_some_and(|at| stop_outcome::began_after(world, job, at));
    if !status.completed(Operation::StopWithSavepoint) && !world.past_deadline() && !resumed && !replaced {
        let trigger_id = operation_id(&world.uid(), status.direction, status.attempt, Operation::StopWithSavepoint);
        let request = StopRequest { trigger_id, directory, format: plan.settings.savepoint.format };
        return Step::act(Operation::StopWithSavepoint, Effect::StopWithSavepoint { job: job.to_owned(), request });
    }
    match stop_outcome::find_stop_outcome(world, job, &directory) {
        StopOutcome::Savepoint(path, kind) => record_point(world, status, job, path, kind),
        StopOutcome::RunsOn(cause) => refused(world, &status, &cause),
        StopOutcome::Unclear(why) => Step::record(halt(world, status, &why, false, Vec::new())),
        StopOutcome::Nothing if world.past_deadline() && (world.flink.jobs.is_some() || world.flink_is_silent()) => {
            Step::record(halt(
                world,
                status,
                "Flink gave no answer about the stop, and no savepoint was found: look at the JobManager and its savepoint directory, then resume or give up",
                false,
                Vec::new(),
            ))
        }
        // What is under way Flink itself ends, at `execution.checkpointing.timeout`.
        StopOutcome::Nothing | StopOutcome::UnderWay => Step::Wait(POLL_FAST),
    }
}

fn record_point(
    world: &World,
    mut status: FlinkRolloutStatus,
    job: &str,
    path: String,
    kind: RestorePointKind,
) -> Step {
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
        at: crate::api::time(at.unwrap_or(world.now)),
        revision: status.plan.as_ref().and_then(|plan| plan.previous_revision),
    });
    Step::record(status)
}

/// The job runs on and no savepoint was made: untouched, with what else could be asked for.
fn refused(world: &World, status: &FlinkRolloutStatus, cause: &str) -> Step {
    if let Some(abort) = &status.failure {
        return untouched(world, &abort.message, Vec::new());
    }
    let before = status.plan.as_ref().and_then(|plan| plan.before.as_ref());
    let checkpoint =
        before.and_then(|before| before.last_checkpoint.as_deref().zip(before.last_checkpoint_at.as_ref()));
    let mut choices: Vec<Choice> = checkpoint.map(|(path, at)| offers::offer(world, path, at)).into_iter().collect();
    choices.extend(offers::offer_to_give_up(world));
    untouched(world, &format!("no savepoint, and the job runs on: {cause}"), choices)
}
