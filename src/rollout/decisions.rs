//! Applies the decisions of people to a running rollout: each once, with a record of the result.

use super::{
    approvals::may_approve,
    decision_rule::{decision_refusal, may_roll_back, stop_was_asked_for},
    effect::Step,
    halts::{is_left_running, look_again},
    transition::{end_untouched, end_with, turn_back},
    world::World,
};
use crate::api::{
    Decision, DecisionKind, DecisionRecord, DecisionResult, Failure, FlinkRolloutStatus, ResultKind, Stage,
};

/// The step for the oldest unanswered decision, or for a deletion.
pub(super) fn next_step(world: &World) -> Option<Step> {
    let status = world.status();
    if let Some(said) = unanswered_decisions(world).next() {
        return Some(answer(world, status, said));
    }
    let deleted = world.rollout.metadata.deletion_timestamp.is_some();
    if deleted && status.halt.is_some() {
        return Some(if may_roll_back(&status) {
            Step::record(turn_back(world, status, "deleted"))
        } else {
            end_with(world, ResultKind::Abandoned, "deleted while halted")
        });
    }
    let abort_is_under_way = status.failure.is_some();
    (deleted && !abort_is_under_way && decision_refusal(&status, DecisionKind::Abort, None).is_none())
        .then(|| abort(world, status, "deleted"))
}

/// The decisions without a result in the record, the oldest first.
pub(super) fn unanswered_decisions(world: &World) -> impl Iterator<Item = &Decision> {
    let answered = world.status().decisions;
    world.rollout.spec.decisions.iter().filter(move |said| !answered.iter().any(|outcome| outcome.id == said.id))
}

/// Whether an unanswered decision is a Resume.
pub(super) fn has_resume(world: &World) -> bool {
    unanswered_decisions(world).any(|said| said.kind == DecisionKind::Resume)
}

fn answer(world: &World, status: FlinkRolloutStatus, said: &Decision) -> Step {
    let refusal = decision_refusal(&status, said.kind, said.plan_digest.as_deref())
        .map(|refusal| format!("it {}", refusal.predicate(&status.state_in_words())))
        .or_else(|| approver_refusal(world, said));
    if let Some(reason) = refusal {
        return Step::record(record_answer(world, status, said, DecisionResult::Refused, &reason));
    }
    let applied = |message: &str| record_answer(world, status.clone(), said, DecisionResult::Applied, message);
    let why = said.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    match said.kind {
        DecisionKind::Approve => Step::record(applied("approved")),
        DecisionKind::Reject => end_untouched(world, &format!("rejected by {}{why}", said.by), Vec::new()),
        DecisionKind::Abort => abort(world, applied("aborted"), &format!("aborted by {}{why}", said.by)),
        DecisionKind::RollBack => {
            Step::record(turn_back(world, applied("rolling back"), &format!("rolled back by {}{why}", said.by)))
        }
        DecisionKind::Resume => Step::record(resume(world, applied("resumed"))),
        DecisionKind::GiveUp => end_with(world, ResultKind::Abandoned, &format!("{} gave up on it{why}", said.by)),
    }
}

/// The status with the result of a decision.
fn record_answer(
    world: &World,
    mut status: FlinkRolloutStatus,
    said: &Decision,
    result: DecisionResult,
    message: &str,
) -> FlinkRolloutStatus {
    status.decisions.push(DecisionRecord {
        id: said.id.clone(),
        result,
        message: message.to_owned(),
        at: world.time(),
    });
    status
}

/// Why a person's approval does not count.
fn approver_refusal(world: &World, said: &Decision) -> Option<String> {
    if said.kind != DecisionKind::Approve {
        return None;
    }
    if said.by == world.rollout.spec.request.by {
        return Some("who asks for a rollout cannot approve it".to_owned());
    }
    let may = may_approve(world.application.as_ref(), &said.by);
    (!may).then(|| format!("{} is not among the approvers of this application", said.by))
}

/// Before the stop, the rollout ends Untouched. Once the stop was requested, the rollout waits for its result. After the stop, it goes
/// back.
fn abort(world: &World, mut status: FlinkRolloutStatus, why: &str) -> Step {
    if !status.stage.is_before_stop() {
        return Step::record(turn_back(world, status, why));
    }
    if !stop_was_asked_for(&status) {
        return end_untouched(world, why, Vec::new());
    }
    status.failure = Some(Failure { stage: Stage::Savepoint, message: why.to_owned(), at: world.time() });
    status.message = format!("{why}; waits for the outcome of the stop");
    Step::record(status)
}

/// Enters the same stage again with a new deadline. What was left running is looked at again. Any other start begins again from the stop,
/// with a new job id.
fn resume(world: &World, mut status: FlinkRolloutStatus) -> FlinkRolloutStatus {
    let is_left_running = status.halt.as_ref().is_some_and(|halt| is_left_running(halt.kind));
    let restart = matches!(status.stage, Stage::Restore | Stage::Verify | Stage::Deploy) && !is_left_running;
    status.continuations = 0;
    let mut next = look_again(world, status);
    if restart {
        // The parked template holds the job id of the next attempt, and a person may have started that job. So one attempt is skipped.
        next.attempt += 2;
        (next.job, next.watch) = (None, None);
        next.stages.pop();
        next.enter(world, Stage::Stop);
    }
    next
}
