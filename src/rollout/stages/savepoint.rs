//! Savepoint: the stop with a savepoint. The recorded intent of `/stop` is the point of no return.
//!
//! The path is read from `/checkpoints`, never first from the status of the stop. With Flink's defaults, the JobManager exits once that
//! status was read, and the path is lost (2.2.1).

mod hold;
mod last_checkpoint;
mod outdated;
mod own_savepoint;
mod stop_outcome;
mod stop_status;

use jiff::SignedDuration;

use crate::{
    api::{
        Choice, FlinkRolloutStatus, HaltKind, Plan, RestorePoint, RestorePointKind, RunningJob, Stage, StageOutcome,
        StatePath,
    },
    flink::StopRequest,
    rollout::{
        decision_rule::stop_was_asked_for,
        effect::{Effect, POLL_FAST, Step},
        ids::{operation_id, own_directory},
        leadership::record_own_leaders,
        needs::{FlinkQuestions, Needs},
        offers,
        operation::Operation,
        request::requested_path,
        transition::{StatusExt as _, end_untouched, halt, turn_back},
        world::World,
    },
};
use outdated::{can_compare, find_change};
use own_savepoint::{build_candidate, record_candidate};
use stop_outcome::StopOutcome;

pub(in crate::rollout) use hold::next_step_while_halted;
pub use stop_status::may_read_stop;

/// How long a job may take to finish after its savepoint is complete, beyond the deadline of the stage.
const FINISH_TIMEOUT: SignedDuration = SignedDuration::from_secs(60);

/// How long Flink may take to end a savepoint if its own time-out is not known, beyond the deadline of the stage.
const UNKNOWN_CHECKPOINT_TIMEOUT: SignedDuration = SignedDuration::from_hours(1);

pub(super) const NEEDS: Needs = Needs { flink: FlinkQuestions::Stop, savepoints_on_disk: true, ..Needs::CLUSTER };

pub(super) fn next_step(world: &World) -> Step {
    let status = world.status();
    let Some(plan) = status.plan.clone() else {
        return end_untouched(world, "the plan is gone; start a new rollout", Vec::new());
    };
    if status.restore_point.is_some() {
        return leave_stage(world, status);
    }
    let begun = stop_was_asked_for(&status);
    if !begun {
        if let Some(why) = find_change(world, &plan) {
            return end_untouched(
                world,
                &format!("outdated: {why} since the plan was made; ask for it again"),
                Vec::new(),
            );
        }
        if let Some(status) = update_replicas(world, &status) {
            return Step::record(status);
        }
    }
    if !status.completed(Operation::CreateVersionedObjects) {
        return create_versioned_objects(world, &status);
    }
    let Some(current) = plan.current.as_ref() else {
        return match requested_path(world) {
            Some(_) => take_requested_state(world, status),
            None if plan.first_deployment => skip_stage(world, status, "a first deployment: there is no state yet"),
            None if begun => {
                let why = "the plan does not say what ran before the stop: look at the job and its savepoint directory, then give up";
                Step::record(halt(world, status, HaltKind::NeedsDecision, why))
            }
            None => end_untouched(world, "the plan does not say what runs; start a new rollout", Vec::new()),
        };
    };
    let Some(job) = &current.job else {
        // Silence, or an empty list of a JobManager that recovers, does not prove that no job runs.
        let silent = world.workloads.job_manager.replicas() > 0 && world.flink.jobs.is_none();
        // A person asked by name to replace a JobManager that does not answer.
        let is_down = world.rollout.spec.request.start_from.job_manager_is_down && world.flink_is_silent();
        if (is_down || !silent) && !world.may_hide_a_job(&current.high_availability.kubernetes_cluster_id) {
            return take_requested_state(world, status);
        }
        if world.is_past_deadline() {
            let why = "Flink did not show until the deadline that it runs no job, so nothing was changed";
            return end_untouched(world, why, Vec::new());
        }
        return Step::Wait(POLL_FAST);
    };
    if !begun && !can_compare(world, job) {
        if world.is_past_deadline() {
            let why = "Flink did not answer until the deadline, so the stop was never asked for";
            return end_untouched(world, why, Vec::new());
        }
        return Step::Wait(POLL_FAST);
    }
    if world.rollout.spec.request.start_from.takes_no_savepoint() {
        return last_checkpoint::next_step(world, status, job, &current.workloads);
    }
    stop_job(world, status, &plan, job)
}

fn create_versioned_objects(world: &World, status: &FlinkRolloutStatus) -> Step {
    if !world.is_past_deadline() {
        return Step::act(Operation::CreateVersionedObjects, Effect::CreateVersionedObjects);
    }
    let error = status
        .operation(Operation::CreateVersionedObjects)
        .and_then(|operation| operation.last_error.clone())
        .unwrap_or_default();
    end_untouched(
        world,
        &format!("the versioned ConfigMaps and Secrets could not be created in time: {error}"),
        Vec::new(),
    )
}

fn skip_stage(world: &World, mut status: FlinkRolloutStatus, why: &str) -> Step {
    status.advance(world, StageOutcome::Skipped, why, Stage::Stop);
    Step::record(status)
}

/// Leaves the stage once the restore point is recorded: to Stop, or back if a person aborted meanwhile.
fn leave_stage(world: &World, status: FlinkRolloutStatus) -> Step {
    // In the same write, so that it costs no downtime.
    let mut status = record_own_leaders(world, &status).unwrap_or(status);
    let Some(point) = status.restore_point.clone() else { return Step::Wait(POLL_FAST) };
    if let Some(abort) = status.failure.clone() {
        return Step::record(turn_back(world, status, &abort.message));
    }
    let size = point.size_bytes.map_or_else(String::new, |bytes| format!(", {bytes} bytes"));
    let doubt = match point.kind {
        RestorePointKind::UncommittedSavepoint => {
            "; the job did not finish after this savepoint, so transactions of its sinks may be uncommitted: check the last records that it \
             wrote to outside systems"
        }
        RestorePointKind::Savepoint | RestorePointKind::Checkpoint => "",
    };
    let evidence = format!("{}{size}{doubt}", point.path);
    status.advance(world, StageOutcome::Done, &evidence, Stage::Stop);
    Step::record(status)
}

/// Reads the replica counts again right before the stop, because somebody may have scaled during the approval.
fn update_replicas(world: &World, status: &FlinkRolloutStatus) -> Option<FlinkRolloutStatus> {
    let mut next = status.clone();
    // If no job runs, the live count is 0, and the application runs with another count.
    let plan = next.plan.as_mut()?;
    let current = plan.current.as_mut().filter(|current| current.job.is_some())?;
    let live = world.workloads.task_manager.replicas();
    if current.workloads.task_manager.replicas == live {
        return None;
    }
    current.workloads.task_manager.replicas = live;
    if plan.target.keeps_replicas {
        plan.target.task_manager_replicas = live;
    }
    Some(next)
}

/// Takes the state that the request names as the restore point, because no job runs.
fn take_requested_state(world: &World, mut status: FlinkRolloutStatus) -> Step {
    let Some(path) = requested_path(world) else {
        return skip_stage(world, status, "nothing runs and the start is empty: there is no state to keep");
    };
    status.restore_point = Some(RestorePoint {
        name: world.rollout.metadata.name.clone().unwrap_or_default(),
        kind: RestorePointKind::Savepoint,
        path,
        size_bytes: None,
        job_id: None,
        at: world.time(),
        revision: status.plan.as_ref().and_then(|plan| plan.previous_revision),
    });
    Step::record(status)
}

fn stop_job(world: &World, status: FlinkRolloutStatus, plan: &Plan, job: &RunningJob) -> Step {
    let asked = status.operation(Operation::StopWithSavepoint).map(|operation| operation.started_at.clone());
    // A JobManager that was replaced meanwhile does not know of the first request. It would stop its job and take a second savepoint.
    let resumed = status.stages.iter().filter(|record| record.stage == Stage::Savepoint).count() > 1;
    let replaced = asked.as_ref().is_some_and(|at| stop_outcome::began_after(world, &job.id, at));
    if !status.completed(Operation::StopWithSavepoint) && !world.is_past_deadline() && !resumed && !replaced {
        let trigger_id = operation_id(&world.uid(), status.direction, status.attempt, Operation::StopWithSavepoint);
        let directory = own_directory(&plan.settings.savepoint.directory, &world.rollout);
        let request = StopRequest { trigger_id, directory, format: plan.settings.savepoint.format };
        return Step::act(Operation::StopWithSavepoint, Effect::StopWithSavepoint { job: job.id.clone(), request });
    }
    match stop_outcome::find_stop_outcome(world, job) {
        StopOutcome::Savepoint(path, kind) => record_point(world, status, job, path, kind),
        StopOutcome::RunsOn(cause) => end_without_savepoint(world, &status, &cause),
        undecided => match record_candidate(world, &status) {
            Some(status) => Step::record(status),
            None => wait_for_outcome(world, status, job, undecided),
        },
    }
}

/// Waits until it is known what became of the stop. Past the deadline, the rollout halts where only a person can find out.
fn wait_for_outcome(world: &World, status: FlinkRolloutStatus, job: &RunningJob, outcome: StopOutcome) -> Step {
    match outcome {
        StopOutcome::Finishing(why) => wait_for_finish(world, status, &why),
        StopOutcome::Unclear(why) => Step::record(halt(world, status, HaltKind::NeedsDecision, &why)),
        StopOutcome::UnderWay if is_overdue(world, job) => {
            let why = "the stop was asked for, but Flink ends its savepoint neither with a result nor with its own time-out: look at the \
                       tasks of the job and at its checkpoints in Flink's UI, then resume or give up";
            Step::record(halt(world, status, HaltKind::NeedsDecision, why))
        }
        // The savepoint was seen: one look without an answer does not end the wait for the job to finish.
        StopOutcome::Nothing if waits_for_finish(world, &status) => Step::Wait(POLL_FAST),
        StopOutcome::Nothing if world.is_past_deadline() && (world.flink.jobs.is_some() || world.flink_is_silent()) => {
            let why = match &status.savepoint_candidate {
                None => "Flink gave no answer about the stop, and no savepoint was found: look at the JobManager and its savepoint directory, then resume or give up".to_owned(),
                Some(seen) => format!(
                    "Flink had completed the savepoint {}, but then gave no answer about the stop, and the job may run on from a later \
                     state: look at the JobManager. If it runs no job, scale both Deployments to 0, give up, and start from that path",
                    seen.path
                ),
            };
            Step::record(halt(world, status, HaltKind::NeedsDecision, &why))
        }
        // Flink itself ends a savepoint in progress, after `execution.checkpointing.timeout`.
        _ => Step::Wait(POLL_FAST),
    }
}

/// Whether Flink has had its own time-out once more, after the deadline of the stage, to end the savepoint.
fn is_overdue(world: &World, job: &RunningJob) -> bool {
    let millis =
        job.checkpointing.as_ref().map(|checkpointing| checkpointing.timeout_millis).filter(|millis| *millis > 0);
    let timeout = millis.and_then(|millis| i64::try_from(millis).ok()).map(SignedDuration::from_millis);
    let deadline = world.rollout.status.as_ref().and_then(|status| status.deadline.as_ref());
    let late = deadline.map(|deadline| world.now.duration_since(deadline.0));
    world.is_past_deadline() && late.is_some_and(|late| late > timeout.unwrap_or(UNKNOWN_CHECKPOINT_TIMEOUT))
}

/// Waits a while for a job that has completed its savepoint, because committing and closing takes time. Then the rollout halts.
fn wait_for_finish(world: &World, mut status: FlinkRolloutStatus, why: &str) -> Step {
    if status.operation(Operation::SavepointCompleted).is_none() {
        status.intend(&world.uid(), Operation::SavepointCompleted, world.now);
        return Step::record(status);
    }
    if waits_for_finish(world, &status) {
        return Step::Wait(POLL_FAST);
    }
    Step::record(halt(world, status, HaltKind::NeedsDecision, why))
}

fn waits_for_finish(world: &World, status: &FlinkRolloutStatus) -> bool {
    let seen = status.operation(Operation::SavepointCompleted);
    seen.is_some_and(|seen| world.now.duration_since(seen.started_at.0) < FINISH_TIMEOUT)
}

fn record_point(
    world: &World,
    mut status: FlinkRolloutStatus,
    job: &RunningJob,
    path: StatePath,
    kind: RestorePointKind,
) -> Step {
    let seen = build_candidate(world).or_else(|| status.savepoint_candidate.clone());
    status.restore_point = Some(RestorePoint {
        name: world.rollout.metadata.name.clone().unwrap_or_default(),
        kind,
        path,
        size_bytes: seen.as_ref().and_then(|seen| seen.size_bytes),
        job_id: Some(job.id.clone()),
        at: seen.map_or_else(|| world.time(), |seen| seen.at),
        revision: status.plan.as_ref().and_then(|plan| plan.previous_revision),
    });
    Step::record(status)
}

/// Ends the rollout Untouched, because the job runs on without a savepoint. Other start states are offered.
fn end_without_savepoint(world: &World, status: &FlinkRolloutStatus, cause: &str) -> Step {
    if let Some(abort) = &status.failure {
        return end_untouched(world, &abort.message, Vec::new());
    }
    let job = status.plan.as_ref().and_then(|plan| plan.current.as_ref()?.job.as_ref());
    let checkpoint = job.and_then(|job| job.last_checkpoint.as_ref());
    let mut choices: Vec<Choice> =
        checkpoint.map(|checkpoint| offers::offer_last_checkpoint(world, checkpoint)).into_iter().collect();
    choices.extend(offers::offer_without_savepoint(world));
    end_untouched(world, &format!("no savepoint, and the job runs on: {cause}"), choices)
}
