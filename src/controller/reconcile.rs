//! One reconcile of one rollout.

use std::{sync::Arc, time::Duration};

use kube::{ResourceExt, core::DeserializeGuard, runtime::controller::Action};
use tracing::{Instrument as _, info, info_span, warn};

use super::{
    act::act,
    context::{Context, RECONCILE_TIMEOUT, ReconcileError},
    gather::gather,
    masking::{mask_result, mask_status, mask_world},
    recall::recall_secrets,
};
use crate::{
    api::{FlinkRollout, FlinkRolloutStatus},
    cluster::WriteError,
    rollout::{Effect, EffectResult, Operation, StatusExt as _, Step, World, next_step, record_result},
    text::error_chain,
};

/// Makes at most one transition of a rollout. One that this version cannot read is left alone, and the others go on.
pub async fn reconcile(
    rollout: Arc<DeserializeGuard<FlinkRollout>>,
    context: Arc<Context>,
) -> Result<Action, ReconcileError> {
    let rollout = match &rollout.0 {
        Ok(rollout) => rollout,
        Err(error) => {
            let name = error.metadata.name.as_deref().unwrap_or_default();
            warn!(rollout = name, namespace = %context.namespace, %error, "this version of Lockkeeper cannot read the rollout: it is left alone");
            return Ok(Action::await_change());
        }
    };
    let span = info_span!("rollout", rollout = %rollout.name_any(), namespace = %context.namespace);
    async {
        let began = jiff::Timestamp::now();
        let step = tokio::time::timeout(RECONCILE_TIMEOUT, run_step(rollout.name_any(), &context)).await;
        let result = step.unwrap_or(Err(ReconcileError::Stuck));
        context.observations.round_finished(&rollout.uid().unwrap_or_default(), began, jiff::Timestamp::now());
        match &result {
            // Another writer was first. The next reconcile reads what it wrote.
            Ok(_) | Err(ReconcileError::Write(WriteError::Conflict { .. })) => {}
            Err(error) => {
                let known = context.secrets.redactor(&rollout.spec.request.application);
                let error = known.mask(&error_chain(error));
                warn!(error, "the reconcile failed");
                context.events.publish_failure(rollout, &error).await;
            }
        }
        result
    }
    .instrument(span)
    .await
}

/// A conflict means that another writer was first, so the rollout is read again at once. Other errors wait 2 s.
#[allow(clippy::needless_pass_by_value)] // the signature that Controller asks for
pub(super) fn on_error(_: Arc<DeserializeGuard<FlinkRollout>>, error: &ReconcileError, _: Arc<Context>) -> Action {
    match error {
        ReconcileError::Write(WriteError::Conflict { .. }) => Action::requeue(Duration::from_millis(50)),
        _ => Action::requeue(Duration::from_secs(2)),
    }
}

async fn run_step(name: String, context: &Context) -> Result<Action, ReconcileError> {
    let Some(mut world) = gather(context, &name).await? else { return Ok(Action::await_change()) };
    recall_secrets(context, &world).await;
    let known = context.secrets.redactor_for(&world);
    mask_world(&mut world, &known);
    match next_step(&world) {
        // The core compares texts that are not masked with the record, which is. Nothing else has changed.
        Step::Record(status) if mask_status(*status.clone(), &known) == world.status() => {
            Ok(Action::requeue(Duration::from_secs(1)))
        }
        Step::Record(status) => {
            write_status(context, &world, &status).await?;
            Ok(Action::requeue(Duration::ZERO))
        }
        Step::Act(operation, effect) => carry_out(context, world, operation, &effect).await,
        Step::Wait(pause) => Ok(Action::requeue(pause)),
        Step::End(_) | Step::Done => {
            context.observations.forget(&world.uid());
            Ok(Action::await_change())
        }
    }
}

/// The intent is recorded before the effect, and the completion after it. A crash in between is visible to the next process.
async fn carry_out(
    context: &Context,
    mut world: World,
    operation: Operation,
    effect: &Effect,
) -> Result<Action, ReconcileError> {
    if !operation.is_recorded() {
        let result = act(context, &world, effect).await?;
        return Ok(Action::requeue(if matches!(result, EffectResult::Done) {
            Duration::ZERO
        } else {
            Duration::from_secs(1)
        }));
    }
    let mut status = world.status();
    if status.operation(operation).is_none() {
        status.intend(&world.uid(), operation, world.now);
        world.rollout = write_status(context, &world, &status).await?;
    }
    info!(operation = operation.name(), stage = %status.stage, "carrying out an operation");
    let result = act(context, &world, effect).await?;
    let result = mask_result(result, &context.secrets.redactor_for(&world));
    if let EffectResult::NotNow(reason) = &result {
        warn!(operation = operation.name(), %reason, "the effect failed and is tried again");
        let recorded_error = status.operation(operation).and_then(|record| record.last_error.clone());
        if recorded_error.as_deref() == Some(reason.as_str()) {
            return Ok(Action::requeue(Duration::from_secs(1)));
        }
    }
    let updated = record_result(&world, world.status(), operation, &result);
    write_status(context, &world, &updated).await?;
    let pause = if matches!(result, EffectResult::NotNow(_)) { Duration::from_millis(500) } else { Duration::ZERO };
    Ok(Action::requeue(pause))
}

async fn write_status(
    context: &Context,
    world: &World,
    status: &FlinkRolloutStatus,
) -> Result<FlinkRollout, ReconcileError> {
    let known = context.secrets.redactor_for(world);
    let mut status = mask_status(status.clone(), &known);
    status.epoch = context.epoch;
    let before = world.status();
    let written = context.rollout_record().write_status(&world.rollout, &status).await?;
    if before.phase != status.phase || before.direction != status.direction {
        info!(from = %before.phase, to = %status.phase, message = %status.message, "the stage changed");
        context.events.publish_stage(&written, &before, &status).await;
    }
    Ok(written)
}
