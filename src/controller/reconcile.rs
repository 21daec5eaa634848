//! One reconcile of one rollout.

use std::{sync::Arc, time::Duration};

use kube::{ResourceExt, runtime::controller::Action};
use tracing::{Instrument as _, info, info_span, warn};

use super::{
    act::act,
    context::{Context, RECONCILE_TIMEOUT, ReconcileError},
    gather::gather,
};
use crate::{
    api::{FlinkRollout, FlinkRolloutStatus},
    cluster::WriteError,
    rollout::{Effect, EffectResult, Operation, StatusExt as _, Step, World, next_step, record_result},
    text::error_chain,
};

/// Reads the world, decides, makes at most one transition.
pub async fn reconcile(rollout: Arc<FlinkRollout>, context: Arc<Context>) -> Result<Action, ReconcileError> {
    let span = info_span!("rollout", rollout = %rollout.name_any(), namespace = %context.namespace);
    async {
        let step = tokio::time::timeout(RECONCILE_TIMEOUT, one_step(rollout.name_any(), &context)).await;
        let result = step.unwrap_or(Err(ReconcileError::Stuck));
        context.observations.step_finished(&rollout.uid().unwrap_or_default(), jiff::Timestamp::now());
        match &result {
            // Somebody else wrote: that is what the resourceVersion is for.
            Ok(_) | Err(ReconcileError::Write(WriteError::Conflict { .. })) => {}
            Err(error) => {
                let error = error_chain(error);
                warn!(error, "could not go on");
                context.events.reconcile_failed(&rollout, &error).await;
            }
        }
        result
    }
    .instrument(span)
    .await
}

/// Conflicts mean that somebody else wrote: look again at once. Everything else waits a little.
#[allow(clippy::needless_pass_by_value)] // the signature that Controller asks for
pub(super) fn on_error(_: Arc<FlinkRollout>, error: &ReconcileError, _: Arc<Context>) -> Action {
    match error {
        ReconcileError::Write(WriteError::Conflict { .. }) => Action::requeue(Duration::from_millis(50)),
        _ => Action::requeue(Duration::from_secs(2)),
    }
}

async fn one_step(name: String, context: &Context) -> Result<Action, ReconcileError> {
    let Some(world) = gather(context, &name).await? else { return Ok(Action::await_change()) };
    match next_step(&world) {
        Step::Record(status) => {
            write(context, &world, &status).await?;
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

/// Intent first, then the effect, then its proof.
async fn carry_out(
    context: &Context,
    mut world: World,
    operation: Operation,
    effect: &Effect,
) -> Result<Action, ReconcileError> {
    if !operation.is_recorded() {
        let outcome = act(context, &world, effect).await?;
        return Ok(Action::requeue(if matches!(outcome, EffectResult::Done) {
            Duration::ZERO
        } else {
            Duration::from_secs(1)
        }));
    }
    let mut status = world.status();
    if status.operation(operation).is_none() {
        status.intend(&world.uid(), operation, world.now);
        world.rollout = write(context, &world, &status).await?;
    }
    info!(operation = operation.name(), stage = %status.stage, "acting");
    let outcome = act(context, &world, effect).await?;
    if let EffectResult::NotNow(reason) = &outcome {
        warn!(operation = operation.name(), %reason, "not now");
        let known = status.operation(operation).and_then(|record| record.last_error.clone());
        if known.as_deref() == Some(reason.as_str()) {
            return Ok(Action::requeue(Duration::from_secs(1)));
        }
    }
    let absorbed = record_result(&world, world.status(), operation, &outcome);
    write(context, &world, &absorbed).await?;
    let pause = if matches!(outcome, EffectResult::NotNow(_)) { Duration::from_millis(500) } else { Duration::ZERO };
    Ok(Action::requeue(pause))
}

async fn write(context: &Context, world: &World, status: &FlinkRolloutStatus) -> Result<FlinkRollout, ReconcileError> {
    let mut status = status.clone();
    status.epoch = context.epoch;
    let before = world.status();
    let written = context.rollout_record().write_status(&world.rollout, &status).await?;
    if before.phase != status.phase || before.direction != status.direction {
        info!(from = %before.phase, to = %status.phase, message = %status.message, "stage");
        context.events.stage(&written, &before, &status).await;
    }
    Ok(written)
}
