//! Adds the result of an effect to the record.

use super::{
    effect::EffectResult,
    offers::Refusal,
    operation::Operation,
    transition::{StatusExt as _, operation_key, park, turn_back_or_halt},
    world::World,
};
use crate::{
    api::{Direction, FlinkRolloutStatus, OperationRecord, ResultKind, RolloutResult},
    record::ClaimOutcome,
    text::truncate,
};

/// The status with the result of an operation.
#[must_use]
pub fn record_result(
    world: &World,
    mut status: FlinkRolloutStatus,
    operation: Operation,
    outcome: &EffectResult,
) -> FlinkRolloutStatus {
    // Parking a halted rollout is tried again, whatever the reason. Tidying up after an end is not.
    if let (EffectResult::Refused(refusal), true) = (outcome, status.halt.is_some()) {
        return record_result(world, status, operation, &EffectResult::NotNow(refusal.message.clone()));
    }
    if let (EffectResult::Refused(refusal), Operation::DiscardRevision) = (outcome, operation) {
        update_operation(&mut status, operation, |record| {
            record.completed_at = Some(world.time());
            record.last_error = Some(truncate(&refusal.message, 1000));
        });
        return status;
    }
    if let EffectResult::NotNow(why) = outcome {
        update_operation(&mut status, operation, |record| record.last_error = Some(truncate(why, 1000)));
        return status;
    }
    if let EffectResult::Refused(refusal) = outcome {
        return record_refusal(world, status, refusal);
    }
    let now = world.time();
    update_operation(&mut status, operation, |record| {
        record.completed_at = Some(now);
        record.last_error = None;
    });
    match outcome {
        EffectResult::Claimed(ClaimOutcome::Held(revision)) => status.revision = Some(*revision),
        EffectResult::Planned(plan) => status.plan = Some(plan.as_ref().clone()),
        _ => {}
    }
    status
}

fn update_operation(status: &mut FlinkRolloutStatus, operation: Operation, change: impl FnOnce(&mut OperationRecord)) {
    let key = operation_key(status.direction, status.attempt, operation);
    if let Some(record) = status.operations.iter_mut().find(|record| record.name == key) {
        change(record);
    }
}

/// Before the stop, a refusal ends the rollout. After the stop, it is a failure of the stage.
fn record_refusal(world: &World, mut status: FlinkRolloutStatus, refusal: &Refusal) -> FlinkRolloutStatus {
    let why = &refusal.message;
    let stopped = status.completed(Operation::StopWithSavepoint) || status.restore_point.is_some();
    if status.stage.is_before_stop() && !stopped {
        status.ending = Some(RolloutResult {
            kind: ResultKind::Untouched,
            message: why.clone(),
            at: world.time(),
            choices: refusal.choices.clone(),
        });
        return status;
    }
    match status.direction {
        Direction::Back if !status.stage.is_before_stop() => park(world, status, why),
        _ => turn_back_or_halt(world, status, why),
    }
}
