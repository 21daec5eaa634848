//! Ends a rollout: the application's history first, then the result, then the release of the claim.

use jiff::SignedDuration;

use super::{
    decisions,
    effect::{Effect, POLL_SLOW, Step},
    operation::Operation,
    transition::StatusExt as _,
    world::World,
};
use crate::api::{
    Decision, DecisionRecord, DecisionResult, Direction, FlinkApplicationStatus, FlinkRolloutStatus, Plan, ResultKind,
    Revision, RolloutResult, Stage, StageOutcome,
};

const MAX_REVISIONS: usize = 20;
const MAX_RESTORE_POINTS: usize = 10;
/// How long an end waits for what it tidies up.
const TIDY_TIMEOUT: SignedDuration = SignedDuration::from_secs(120);

/// The next step of an end. Each step can be repeated after a crash.
pub(super) fn next_step(world: &World, result: &RolloutResult) -> Step {
    let mut status = world.status();
    if status.ending.is_none() {
        // An end is decided once. Whatever is observed while it is recorded must not change it.
        status.ending = Some(result.clone());
        // Where a decision is not answered yet, it is the one that ends the rollout. Every later one comes too late.
        if let Some(said) = decisions::unanswered_decisions(world).next() {
            status.decisions.push(answer(world, said, DecisionResult::Applied, result));
        }
        return Step::record(status);
    }
    let leaves_previous =
        result.kind == ResultKind::Succeeded && world.plan().is_some_and(|plan| plan.previous_revision.is_some());
    let asked =
        status.operation(Operation::DeleteAddresses).map(|operation| world.now.duration_since(operation.started_at.0));
    let is_in_time = asked.is_none_or(|asked| asked < TIDY_TIMEOUT);
    if leaves_previous && is_in_time && !status.completed(Operation::DeleteAddresses) {
        return Step::act(Operation::DeleteAddresses, Effect::DeleteAddresses);
    }
    let deployed_nothing = result.kind == ResultKind::Untouched;
    if !deployed_nothing && world.application_is_unreadable && !status.completed(Operation::WriteHistory) {
        // The history would be lost: which revision runs, and from where the application can start.
        return Step::Wait(POLL_SLOW);
    }
    if let (true, Some(revision)) = (deployed_nothing && !status.completed(Operation::DiscardRevision), status.revision)
    {
        return Step::act(Operation::DiscardRevision, Effect::DiscardRevision { revision });
    }
    if let (false, false, Some(application)) =
        (deployed_nothing, status.completed(Operation::WriteHistory), &world.application)
    {
        let history = update_history(world, application.status.clone().unwrap_or_default(), &status, result);
        return Step::act(Operation::WriteHistory, Effect::WriteHistory { status: Box::new(history) });
    }
    Step::record(build_end(world, status, result))
}

fn build_end(world: &World, mut status: FlinkRolloutStatus, result: &RolloutResult) -> FlinkRolloutStatus {
    let good = matches!(result.kind, ResultKind::Succeeded | ResultKind::RolledBack);
    // The stage that failed tells why the rollout went back. This evidence tells how the way back went.
    let evidence = match (result.kind, &status.watch) {
        (ResultKind::RolledBack, Some(watch)) => {
            format!("{} restarts and {} checkpoints", watch.restarts, watch.checkpoints)
        }
        _ => result.message.clone(),
    };
    status.leave(world, if good { StageOutcome::Done } else { StageOutcome::Failed }, &evidence);
    for said in decisions::unanswered_decisions(world) {
        status.decisions.push(answer(world, said, DecisionResult::Refused, result));
    }
    status.message.clone_from(&result.message);
    status.halt = None;
    status.deadline = None;
    status.result = Some(result.clone());
    status.phase = status.derived_phase();
    status
}

fn answer(world: &World, said: &Decision, answer: DecisionResult, result: &RolloutResult) -> DecisionRecord {
    let message = format!("ended as {}", result.kind);
    DecisionRecord { id: said.id.clone(), result: answer, message, at: world.time() }
}

/// The application's history after this end. Applied twice, it is the same history.
fn update_history(
    world: &World,
    mut history: FlinkApplicationStatus,
    status: &FlinkRolloutStatus,
    result: &RolloutResult,
) -> FlinkApplicationStatus {
    let Some(plan) = &status.plan else { return history };
    if let Some(point) = &status.restore_point {
        history.restore_points.retain(|known| known.name != point.name);
        history.restore_points.push(point.clone());
        let surplus = history.restore_points.len().saturating_sub(MAX_RESTORE_POINTS);
        history.restore_points.drain(..surplus);
    }
    if let (Some(number), Some(version)) = (plan.previous_revision, &plan.from_version) {
        let replicas = plan
            .current
            .as_ref()
            .map(|current| current.workloads.task_manager.replicas)
            .filter(|replicas| *replicas > 0);
        let revision = Revision {
            number,
            version: version.clone(),
            rollout: None,
            at: world.time(),
            task_manager_replicas: replicas,
            start_seconds: if status.direction == Direction::Back { start_seconds(status) } else { None },
            record_digest: plan.previous_record_digest.clone(),
        };
        remember(&mut history, revision, false);
    }
    match result.kind {
        ResultKind::Succeeded => {
            remember(&mut history, target_revision(world, plan, status), true);
            history.revision = Some(plan.target.revision);
            history.version = Some(plan.to_version.clone());
            history.parked_at = None;
        }
        ResultKind::RolledBack => {
            history.revision = plan.previous_revision;
            history.version.clone_from(&plan.from_version);
            history.parked_at = None;
        }
        ResultKind::Abandoned => {
            // If the rollout never turned back, the target was written last.
            let forward = status.direction == Direction::Forward && status.completed(Operation::WriteWorkloads);
            let previous = (plan.previous_revision, plan.from_version.clone());
            let target = (Some(plan.target.revision), Some(plan.to_version.clone()));
            (history.revision, history.version) = if forward { target } else { previous };
            // An application that runs, also if a person started it, is not parked: the next rollout takes a restore point of it.
            let parked = world.workloads.job_manager.replicas() == 0;
            history.parked_at = parked.then(|| world.time());
            if forward {
                remember(&mut history, target_revision(world, plan, status), true);
            }
        }
        ResultKind::Untouched | ResultKind::Failed => {}
    }
    history
}

fn target_revision(world: &World, plan: &Plan, status: &FlinkRolloutStatus) -> Revision {
    Revision {
        number: plan.target.revision,
        version: plan.to_version.clone(),
        rollout: world.rollout.metadata.name.clone(),
        at: world.time(),
        task_manager_replicas: Some(plan.target.task_manager_replicas),
        start_seconds: start_seconds(status),
        record_digest: plan.target.record_digest.clone(),
    }
}

/// How long the last start took until every task was RUNNING.
fn start_seconds(status: &FlinkRolloutStatus) -> Option<u32> {
    let running_at = status.job.as_ref()?.running_at.as_ref()?;
    let verify = status.stages.iter().rev().find(|record| record.stage == Stage::Verify)?;
    u32::try_from(running_at.0.duration_since(verify.started_at.0).as_secs()).ok()
}

fn remember(history: &mut FlinkApplicationStatus, revision: Revision, newest: bool) {
    let known = history.revisions.iter().position(|known| known.number == revision.number);
    match known {
        Some(index) if newest => {
            history.revisions.remove(index);
            history.revisions.push(revision);
        }
        Some(index) => {
            let known = &mut history.revisions[index];
            known.task_manager_replicas = revision.task_manager_replicas.or(known.task_manager_replicas);
            known.start_seconds = revision.start_seconds.or(known.start_seconds);
            known.record_digest = known.record_digest.take().or(revision.record_digest);
        }
        None => history.revisions.push(revision),
    }
    let surplus = history.revisions.len().saturating_sub(MAX_REVISIONS);
    history.revisions.drain(..surplus);
}
