//! What an effect's outcome adds to the record.

use super::{
    effect::EffectResult,
    offers::Refusal,
    transition::{StatusExt as _, failed, operation_key, park},
    world::World,
};
use crate::{
    api::{Direction, FlinkRolloutStatus, ResultKind, RolloutResult, Stage},
    record::ClaimOutcome,
};

/// The status after an operation came back.
#[must_use]
pub fn record_result(
    world: &World,
    mut status: FlinkRolloutStatus,
    name: &str,
    outcome: &EffectResult,
) -> FlinkRolloutStatus {
    // What brings a halted rollout to rest is tried again, whatever the reason; what only tidies up after an end is let be.
    if let (EffectResult::Refused(refusal), true) = (outcome, status.halt.is_some()) {
        return record_result(world, status, name, &EffectResult::NotNow(refusal.message.clone()));
    }
    if let (EffectResult::Refused(refusal), "discard-revision") = (outcome, name) {
        note(&mut status, name, |operation| {
            operation.completed_at = Some(world.time());
            operation.last_error = Some(refusal.message.chars().take(1000).collect());
        });
        return status;
    }
    if let EffectResult::NotNow(why) = outcome {
        note(&mut status, name, |operation| operation.last_error = Some(why.chars().take(1000).collect()));
        return status;
    }
    if let EffectResult::Refused(refusal) = outcome {
        return refused(world, status, refusal);
    }
    let now = world.time();
    note(&mut status, name, |operation| {
        operation.completed_at = Some(now);
        operation.last_error = None;
    });
    match outcome {
        EffectResult::Claimed(ClaimOutcome::Held(revision)) => status.revision = Some(*revision),
        EffectResult::Planned(plan) => status.plan = Some(plan.as_ref().clone()),
        _ => {}
    }
    status
}

fn note(status: &mut FlinkRolloutStatus, name: &str, change: impl FnOnce(&mut crate::api::Operation)) {
    let key = operation_key(status.direction, status.attempt, name);
    if let Some(operation) = status.operations.iter_mut().find(|operation| operation.name == key) {
        change(operation);
    }
}

/// Before the stop a refusal ends it; after it, it is a failure of the stage.
fn refused(world: &World, mut status: FlinkRolloutStatus, refusal: &Refusal) -> FlinkRolloutStatus {
    let why = &refusal.message;
    match (status.stage, status.direction) {
        (Stage::Plan | Stage::Approve | Stage::Savepoint, _)
            if status.completed("stop-with-savepoint") || status.restore_point.is_some() =>
        {
            failed(world, status, why)
        }
        (Stage::Plan | Stage::Approve | Stage::Savepoint, _) => {
            status.ending = Some(RolloutResult {
                kind: ResultKind::Untouched,
                message: why.clone(),
                at: world.time(),
                choices: refusal.choices.clone(),
            });
            status
        }
        (_, Direction::Back) => park(world, status, why),
        _ => failed(world, status, why),
    }
}
