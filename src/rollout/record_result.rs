//! Adds the result of an effect to the record.

use super::{
    effect::EffectResult,
    offers::Refusal,
    operation::Operation,
    transition::{StatusExt as _, halt, operation_key, turn_back_or_halt},
    world::World,
};
use crate::{
    api::{Direction, FlinkRolloutStatus, HaltKind, OperationRecord, ResultKind, RolloutResult},
    record::ClaimOutcome,
    text::truncate,
};

/// The status with the result of an operation.
#[must_use]
pub fn record_result(
    world: &World,
    mut status: FlinkRolloutStatus,
    operation: Operation,
    result: &EffectResult,
) -> FlinkRolloutStatus {
    match result {
        EffectResult::Done => complete(world, &mut status, operation),
        EffectResult::Claimed(ClaimOutcome::Held(revision)) => {
            complete(world, &mut status, operation);
            status.revision = Some(*revision);
        }
        EffectResult::Claimed(ClaimOutcome::Busy) => {
            record_error(&mut status, operation, "another rollout took the claim at the same moment");
        }
        EffectResult::Planned(plan) => {
            complete(world, &mut status, operation);
            status.plan = Some(plan.as_ref().clone());
        }
        EffectResult::Written(templates) => {
            complete(world, &mut status, operation);
            if let Some(job) = &mut status.job {
                job.templates = Some(templates.clone());
            }
        }
        EffectResult::NotNow(why) => record_error(&mut status, operation, why),
        // Parking a halted rollout is tried again, whatever the reason.
        EffectResult::Refused(refusal) if status.halt.is_some() => {
            record_error(&mut status, operation, &refusal.message);
        }
        // Tidying up after an end is not tried again.
        EffectResult::Refused(refusal)
            if matches!(operation, Operation::DiscardRevision | Operation::DeleteAddresses) =>
        {
            complete(world, &mut status, operation);
            record_error(&mut status, operation, &refusal.message);
        }
        EffectResult::Refused(refusal) => return record_refusal(world, status, refusal),
    }
    status
}

fn complete(world: &World, status: &mut FlinkRolloutStatus, operation: Operation) {
    update_operation(status, operation, |record| {
        record.completed_at = Some(world.time());
        record.last_error = None;
    });
}

fn record_error(status: &mut FlinkRolloutStatus, operation: Operation, why: &str) {
    update_operation(status, operation, |record| record.last_error = Some(truncate(why, 1000)));
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
            message: truncate(why, 2000),
            at: world.time(),
            choices: refusal.choices.clone(),
        });
        return status;
    }
    match status.direction {
        Direction::Back if !status.stage.is_before_stop() => {
            let why =
                format!("the previous version has not been started: {why}. Mend the cause, then resume; or give up");
            halt(world, status, HaltKind::NotWritten, &why)
        }
        _ => turn_back_or_halt(world, status, why),
    }
}
