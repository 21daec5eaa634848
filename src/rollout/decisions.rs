//! What people say to a running rollout: each decision is applied once, and what became of it is recorded.

use super::{
    approvals::may_approve,
    effect::Step,
    health::newest_exception,
    operation::{HOLD, STOP},
    transition::{StatusExt as _, turn_back, untouched, with},
    world::World,
};
use crate::api::{
    Decision, DecisionKind, DecisionRecord, DecisionResult, Direction, Failure, FlinkRolloutStatus, ResultKind, Stage,
    Watch,
};

/// So many stages fit into a record with room for a whole way back; a rollout that was resumed more often is to be given up.
const MAX_STAGES: usize = 48;

/// The step that the oldest unanswered decision, or a deletion, leads to.
pub(super) fn next_step(world: &World) -> Option<Step> {
    let status = world.status();
    if let Some(said) = unanswered(world).next() {
        return Some(answer(world, status, said));
    }
    let deleted = world.rollout.metadata.deletion_timestamp.is_some();
    if deleted && status.halt.is_some() {
        let may_return = status.direction == Direction::Forward && status.restore_point.is_some();
        return Some(if may_return {
            Step::record(turn_back(world, status, "deleted"))
        } else {
            with(world, ResultKind::Abandoned, "deleted while halted")
        });
    }
    if deleted && status.failure.is_none() {
        return abort(world, status, "deleted").ok();
    }
    None
}

/// What was said and is not answered in the record, the oldest first.
pub(super) fn unanswered(world: &World) -> impl Iterator<Item = &Decision> {
    let answered = world.status().decisions;
    world.rollout.spec.decisions.iter().filter(move |said| !answered.iter().any(|outcome| outcome.id == said.id))
}

/// Whether an unanswered decision resumes it.
pub(super) fn resumes(world: &World) -> bool {
    unanswered(world).any(|said| said.kind == DecisionKind::Resume)
}

fn answer(world: &World, status: FlinkRolloutStatus, said: &Decision) -> Step {
    let noted = |mut status: FlinkRolloutStatus, outcome: DecisionResult, message: &str| {
        status.decisions.push(DecisionRecord {
            id: said.id.clone(),
            result: outcome,
            message: message.to_owned(),
            at: crate::api::time(world.now),
        });
        status
    };
    let refused = |message: &str| Step::record(noted(status.clone(), DecisionResult::Refused, message));
    let why = said.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    match said.kind {
        DecisionKind::Approve => match approval(world, &status, said) {
            Ok(()) => Step::record(noted(status, DecisionResult::Applied, "approved")),
            Err(reason) => refused(&reason),
        },
        DecisionKind::Reject if matches!(status.stage, Stage::Plan | Stage::Approve) => {
            untouched(world, &format!("rejected by {}{why}", said.by), Vec::new())
        }
        DecisionKind::Reject => refused("too late to reject: the plan was approved already; abort it instead"),
        DecisionKind::Abort => match abort(
            world,
            noted(status.clone(), DecisionResult::Applied, "aborted"),
            &format!("aborted by {}{why}", said.by),
        ) {
            Ok(next) => next,
            Err(reason) => refused(&reason),
        },
        DecisionKind::RollBack => {
            if status.direction == Direction::Back {
                return refused("it is rolling back already");
            }
            if status.restore_point.is_none() || matches!(status.stage, Stage::Plan | Stage::Approve | Stage::Savepoint)
            {
                return refused("nothing was stopped yet: abort it instead");
            }
            let status = noted(status.clone(), DecisionResult::Applied, "rolling back");
            Step::record(turn_back(world, status, &format!("rolled back by {}{why}", said.by)))
        }
        DecisionKind::Resume if status.halt.is_some() && status.stages.len() >= MAX_STAGES => {
            refused("it was resumed too often; give up and start a new rollout from its restore point")
        }
        DecisionKind::Resume if status.halt.is_some() => {
            Step::record(resume(world, noted(status, DecisionResult::Applied, "resumed")))
        }
        DecisionKind::GiveUp if status.halt.is_some() => {
            with(world, ResultKind::Abandoned, &format!("{} gave up on it{why}", said.by))
        }
        DecisionKind::Resume | DecisionKind::GiveUp => refused("it is not halted"),
    }
}

fn approval(world: &World, status: &FlinkRolloutStatus, said: &Decision) -> Result<(), String> {
    let plan = status
        .plan
        .as_ref()
        .filter(|_| status.stage == Stage::Approve)
        .ok_or("there is no plan that waits for approval")?;
    if said.by == world.rollout.spec.request.by {
        return Err("who asks for a rollout cannot approve it".to_owned());
    }
    if said.plan_digest.as_deref() != Some(plan.digest.as_str()) {
        return Err("it approves another plan than the one that waits".to_owned());
    }
    if !may_approve(world.application.as_ref(), &said.by) {
        return Err(format!("{} is not among the approvers of this application", said.by));
    }
    Ok(())
}

/// Before the stop: untouched. While the savepoint is under way: its outcome is awaited. After it: back.
fn abort(world: &World, mut status: FlinkRolloutStatus, why: &str) -> Result<Step, String> {
    match status.stage {
        _ if status.direction == Direction::Back => Err("it is rolling back already".to_owned()),
        Stage::Plan | Stage::Approve => Ok(untouched(world, why, Vec::new())),
        Stage::Savepoint
            if status.operation(STOP).is_none()
                && status.operation(HOLD).is_none()
                && status.restore_point.is_none() =>
        {
            Ok(untouched(world, why, Vec::new()))
        }
        Stage::Savepoint => {
            status.failure = Some(Failure { stage: Stage::Savepoint, message: why.to_owned(), at: world.time() });
            status.message = format!("{why}; waits for the outcome of the stop");
            Ok(Step::record(status))
        }
        _ => Ok(Step::record(turn_back(world, status, why))),
    }
}

/// The same stage with a new deadline; what is parked starts again from the stop, with a fresh job id.
fn resume(world: &World, mut status: FlinkRolloutStatus) -> FlinkRolloutStatus {
    // The parked template already holds the job id of the next attempt, which a person may have used by hand: take the one after.
    let restart = matches!(status.stage, Stage::Restore | Stage::Verify | Stage::Deploy);
    status.halt = None;
    let counted = world.flink.checkpoints.as_ref().map(|checkpoints| checkpoints.counts.restored);
    status.watch = (status.stage == Stage::Monitor).then(|| Watch {
        settling_since: Some(world.time()),
        newest_exception: newest_exception(world),
        restored: counted.or(status.watch.as_ref().map(|watch| watch.restored + watch.restarts)).unwrap_or_default(),
        ..Watch::default()
    });
    if restart {
        status.attempt += 2;
        status.job = None;
    }
    let stage = if restart { Stage::Stop } else { status.stage };
    status.enter(world, stage);
    status
}
