//! Carries out effects. Only this module changes anything outside our own record.

mod discard;
mod flink;
mod ha;
mod objects;

use kube::ResourceExt;

use self::{
    discard::discard_unused,
    flink::{release_job_manager, rest_service_of},
    ha::clear_ha,
    objects::{apply_objects, create_versioned, delete_addresses, write_deployments},
};
use super::{
    context::{Context, ReconcileError},
    effect_error::EffectError,
    planning,
};
use crate::{
    cluster::{Workload, WriteError},
    rollout::{Effect, EffectResult, Refusal, World},
    text::error_chain,
};

/// Carries out one effect. A failed effect is a result: it is recorded and tried again. Only a failed write of our own record ends
/// the reconcile.
pub(super) async fn act(context: &Context, world: &World, effect: &Effect) -> Result<EffectResult, ReconcileError> {
    let done = match effect {
        Effect::AddFinalizer => {
            return require_write(context.rollout_record().set_finalizer(&world.rollout, true).await);
        }
        Effect::Finish => return finish(context, world).await,
        Effect::Claim => return claim(context, world).await,
        Effect::ReleaseStaleClaim { uid } => return answer_write(release(context, world, uid).await),
        Effect::WriteHistory { status } => {
            let Some(application) = &world.application else { return Ok(EffectResult::Done) };
            return require_write(context.application_record().write_history(application, status).await);
        }
        Effect::Plan => return Ok(planning::make_plan(context, world).await),
        Effect::CreateVersionedObjects => create_versioned(context, world).await,
        Effect::StopWithSavepoint { job, request } => {
            let service = rest_service_of(world);
            return Ok(match context.flink(&service).stop_with_savepoint(job, request).await {
                Ok(()) => EffectResult::Done,
                Err(error) => EffectResult::NotNow(error.to_string()),
            });
        }
        Effect::Stop(component) => scale(context, world.workloads.get(*component), 0).await,
        Effect::ReleaseJobManager { pod, job, trigger_id } => {
            return Ok(release_job_manager(context, world, pod, job, trigger_id).await);
        }
        Effect::ClearHa { proof } => clear_ha(context, world, proof).await,
        Effect::ApplyObjects => apply_objects(context, world).await,
        Effect::DeleteAddresses => delete_addresses(context, world).await,
        Effect::WriteWorkloads { start } => {
            let written = write_deployments(context, world, start).await;
            return Ok(written.map_or_else(EffectResult::from, EffectResult::Written));
        }
        Effect::Start { task_managers } => scale_up(context, world, *task_managers).await,
        Effect::DiscardRevision { revision } => discard_unused(context, world, *revision).await,
    };
    Ok(done.map_or_else(EffectResult::from, |()| EffectResult::Done))
}

fn require_write(result: Result<(), WriteError>) -> Result<EffectResult, ReconcileError> {
    result.map(|()| EffectResult::Done).map_err(ReconcileError::Write)
}

async fn claim(context: &Context, world: &World) -> Result<EffectResult, ReconcileError> {
    let Some(application) = &world.application else {
        return Ok(EffectResult::NotNow("the FlinkApplication is gone".to_owned()));
    };
    let taken = match application.status.as_ref().map_or(0, |status| status.last_sequence) {
        // Records of a deleted application with the same name may still exist. Their numbers are taken.
        0 => match context.revisions().highest_number(&application.name_any()).await {
            Ok(taken) => taken,
            Err(error) => return Ok(EffectResult::NotNow(error_chain(&error))),
        },
        _ => None,
    };
    let claimed = context.application_record().claim(application, &world.rollout, taken).await;
    answer_write(claimed.map(EffectResult::Claimed))
}

/// Before a rollout has changed anything, a failed write of our own record is a result too. A refusal then ends the rollout, and any
/// other failure counts until the deadline. A conflict is looked at again at once.
fn answer_write(result: Result<EffectResult, WriteError>) -> Result<EffectResult, ReconcileError> {
    match result {
        Ok(result) => Ok(result),
        Err(error @ WriteError::Refused { .. }) => Ok(EffectResult::Refused(Refusal::new(format!(
            "{error}. Apply manifests/role.yaml and manifests/crds.yaml again, then start a new rollout"
        )))),
        Err(error @ WriteError::TryAgain { .. }) => Ok(EffectResult::NotNow(error.to_string())),
        Err(error @ WriteError::Conflict { .. }) => Err(error.into()),
    }
}

async fn release(context: &Context, world: &World, uid: &str) -> Result<EffectResult, WriteError> {
    let Some(application) = &world.application else { return Ok(EffectResult::Done) };
    context.application_record().release(application, uid).await.map(|()| EffectResult::Done)
}

/// The claim is released first, since the object may be deleted as soon as its finalizer is gone.
async fn finish(context: &Context, world: &World) -> Result<EffectResult, ReconcileError> {
    release(context, world, &world.uid()).await?;
    require_write(context.rollout_record().set_finalizer(&world.rollout, false).await)
}

async fn scale(context: &Context, workload: &Workload, replicas: i32) -> Result<(), EffectError> {
    match &workload.deployment {
        Some(deployment) => Ok(context.writer().scale(deployment, replicas).await?),
        None => Ok(()),
    }
}

/// The TaskManagers are scaled up first, because they need longest until they offer slots.
async fn scale_up(context: &Context, world: &World, task_managers: i32) -> Result<(), EffectError> {
    scale(context, &world.workloads.task_manager, task_managers).await?;
    scale(context, &world.workloads.job_manager, 1).await
}
