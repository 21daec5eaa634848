//! Carries out effects: the only place that changes anything outside our own record.

use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::{Api, ResourceExt, api::PostParams, core::DynamicObject};

use super::{
    context::{Context, ReconcileError},
    effect_error::EffectError,
    objects::{deployment, is_kept, is_versioned, only_in},
    planning,
};
use crate::{
    api::{APPLICATION_LABEL, Component, Direction, JobId, REVISION_LABEL, ServicePort},
    bake::Start,
    cluster::{Workload, WriteError, backup_name, build_backup, is_workload},
    flink::{FlinkClient, FlinkError},
    proxy::Endpoint,
    record::{RecordError, RevisionRecord},
    rollout::{ClearHaProof, Effect, EffectResult, World},
    text::error_chain,
};

/// Carries out one effect. An error that may pass is a result; only an error of our own record ends the reconcile.
pub(super) async fn act(context: &Context, world: &World, effect: &Effect) -> Result<EffectResult, ReconcileError> {
    let done = match effect {
        Effect::AddFinalizer => {
            return record_write(context.rollout_record().set_finalizer(&world.rollout, true).await);
        }
        Effect::Finish => return finish(context, world).await,
        Effect::Claim => return claim(context, world).await,
        Effect::ReleaseStaleClaim { uid } => return release(context, world, uid).await,
        Effect::WriteHistory { status } => {
            let Some(application) = &world.application else { return Ok(EffectResult::Done) };
            return record_write(context.application_record().write_history(application, status).await);
        }
        Effect::Plan => return Ok(planning::plan(context, world).await),
        Effect::CreateVersionedObjects => create_versioned(context, world).await,
        Effect::StopWithSavepoint { job, request } => {
            let service = rest_service(world);
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
        Effect::WriteWorkloads { start } => write_deployments(context, world, start).await,
        Effect::Start { task_managers } => scale_up(context, world, *task_managers).await,
        Effect::DiscardRevision { revision } => discard_unused(context, world, *revision).await,
    };
    Ok(done.map_or_else(EffectResult::from, |()| EffectResult::Done))
}

fn record_write(result: Result<(), WriteError>) -> Result<EffectResult, ReconcileError> {
    result.map(|()| EffectResult::Done).map_err(ReconcileError::Write)
}

async fn claim(context: &Context, world: &World) -> Result<EffectResult, ReconcileError> {
    let Some(application) = &world.application else {
        return Ok(EffectResult::NotNow("the FlinkApplication is gone".to_owned()));
    };
    let taken = match application.status.as_ref().map_or(0, |status| status.last_sequence) {
        // It may have been made again under its name, over the records of its predecessor.
        0 => match context.revisions().highest_number(&application.name_any()).await {
            Ok(taken) => taken,
            Err(error) => return Ok(EffectResult::NotNow(error_chain(&error))),
        },
        _ => None,
    };
    Ok(EffectResult::Claimed(context.application_record().claim(application, &world.rollout, taken).await?))
}

async fn release(context: &Context, world: &World, uid: &str) -> Result<EffectResult, ReconcileError> {
    let Some(application) = &world.application else { return Ok(EffectResult::Done) };
    record_write(context.application_record().release(application, uid).await)
}

/// Releases the claim, then lets the rollout's object go.
async fn finish(context: &Context, world: &World) -> Result<EffectResult, ReconcileError> {
    release(context, world, &world.uid()).await?;
    record_write(context.rollout_record().set_finalizer(&world.rollout, false).await)
}

fn rest_service(world: &World) -> ServicePort {
    let planned = world.plan().map(|plan| plan.settings.rest_service.clone());
    planned
        .or_else(|| world.application.as_ref().map(|application| application.spec.rest_service.clone()))
        .unwrap_or(ServicePort { name: String::new(), port: 0 })
}

async fn scale(context: &Context, workload: &Workload, replicas: i32) -> Result<(), EffectError> {
    match &workload.deployment {
        Some(deployment) => Ok(context.writer().scale(deployment, replicas).await?),
        None => Ok(()),
    }
}

/// The TaskManagers first: they take longest to be of use.
async fn scale_up(context: &Context, world: &World, task_managers: i32) -> Result<(), EffectError> {
    scale(context, &world.workloads.task_manager, task_managers).await?;
    scale(context, &world.workloads.job_manager, 1).await
}

/// Best effort: the path is recorded already, this only lets a held JobManager end sooner.
async fn release_job_manager(
    context: &Context,
    world: &World,
    pod: &str,
    job: &JobId,
    trigger_id: &str,
) -> EffectResult {
    let service = rest_service(world);
    let port = target_port(context, &service).await.unwrap_or(service.port);
    let endpoint = Endpoint::Pod { namespace: context.namespace.clone(), name: pod.to_owned(), port };
    match FlinkClient::new(context.proxy.clone(), endpoint).stop_status(job, trigger_id).await {
        Ok(_) | Err(FlinkError::Refused { .. }) => {}
        Err(FlinkError::Unknown(why)) => tracing::debug!(why, "the JobManager was gone before it was let go"),
    }
    EffectResult::Done
}

async fn target_port(context: &Context, service: &ServicePort) -> Option<u16> {
    let live = Api::<Service>::namespaced(context.client.clone(), &context.namespace).get(&service.name).await.ok()?;
    let port = live.spec?.ports?.into_iter().find(|port| port.port == i32::from(service.port))?;
    match port.target_port? {
        k8s_openapi::apimachinery::pkg::util::intstr::IntOrString::Int(port) => u16::try_from(port).ok(),
        k8s_openapi::apimachinery::pkg::util::intstr::IntOrString::String(_) => None,
    }
}

async fn clear_ha(context: &Context, world: &World, proof: &ClearHaProof) -> Result<(), EffectError> {
    let revision = world.status().revision.unwrap_or_default();
    let api: Api<ConfigMap> = Api::namespaced(context.client.clone(), &context.namespace);
    tracing::info!(
        start_path = proof.start_path().unwrap_or("nothing, as asked"),
        maps = proof.maps().items.len(),
        "clearing HA metadata"
    );
    for map in &proof.maps().items {
        let labels = [
            (APPLICATION_LABEL.to_owned(), world.rollout.spec.request.application.clone()),
            (REVISION_LABEL.to_owned(), format!("{revision:03}")),
        ];
        back_up(&api, &build_backup(map, backup_name(revision, map), labels.into())).await?;
        context.writer().delete_typed(map).await?;
    }
    Ok(())
}

/// Creates a backup; one that is there already counts only if it holds the same.
async fn back_up(api: &Api<ConfigMap>, backup: &ConfigMap) -> Result<(), EffectError> {
    match api.create(&PostParams::default(), backup).await {
        Err(kube::Error::Api(status)) if status.is_already_exists() => {}
        other => return other.map(drop).map_err(EffectError::from),
    }
    let name = backup.name_any();
    let there = api.get(&name).await?;
    if (&there.data, &there.binary_data) == (&backup.data, &backup.binary_data) {
        return Ok(());
    }
    Err(EffectError::NotNow(format!(
        "the backup {name} of HA metadata is there with other content, so nothing is deleted: move it out of the way"
    )))
}

async fn create_versioned(context: &Context, world: &World) -> Result<(), EffectError> {
    let writer = context.writer();
    for record in [record(context, world, Direction::Back).await?, record(context, world, Direction::Forward).await?]
        .into_iter()
        .flatten()
    {
        for object in record.objects.iter().filter(|object| is_versioned(object)) {
            writer.create_immutable(object, false).await?;
        }
    }
    Ok(())
}

/// The record that a direction deploys.
async fn record(context: &Context, world: &World, direction: Direction) -> Result<Option<RevisionRecord>, EffectError> {
    let plan = world.plan().ok_or_else(|| EffectError::NotNow("the plan is gone".to_owned()))?;
    let number = match direction {
        Direction::Forward => Some(plan.target.revision),
        Direction::Back => plan.previous_revision,
    };
    let Some(number) = number else { return Ok(None) };
    Ok(Some(context.revisions().read(&world.rollout.spec.request.application, number).await?))
}

async fn apply_objects(context: &Context, world: &World) -> Result<(), EffectError> {
    let status = world.status();
    let other = if status.direction == Direction::Forward { Direction::Back } else { Direction::Forward };
    let wanted = record(context, world, status.direction)
        .await?
        .ok_or_else(|| EffectError::refused("there is no revision to return to"))?;
    let leftover = record(context, world, other).await?;
    let plan = world.plan().ok_or_else(|| EffectError::NotNow("the plan is gone".to_owned()))?;
    let names = plan.settings.deployments.as_ref().map(String::as_str);
    let writer = context.writer();
    for object in wanted.objects.iter().filter(|object| !is_workload(object, names)) {
        if is_versioned(object) {
            writer.create_immutable(object, false).await?;
        } else {
            writer.apply(object, false).await?;
        }
    }
    for object in leftover.iter().flat_map(|leftover| only_in(leftover, &wanted, names)) {
        delete_ours(context, object, &wanted.application).await?;
    }
    Ok(())
}

/// Deletes what only the other revision has, if it is ours and holds no data.
async fn delete_ours(context: &Context, object: &DynamicObject, application: &str) -> Result<(), EffectError> {
    if is_kept(object) {
        return Ok(());
    }
    let Some(mut live) = context.writer().read_live(object).await? else { return Ok(()) };
    live.types.clone_from(&object.types);
    if live.labels().get(APPLICATION_LABEL).map(String::as_str) == Some(application) {
        context.writer().delete(&live).await?;
    }
    Ok(())
}

async fn write_deployments(context: &Context, world: &World, start: &Start) -> Result<(), EffectError> {
    let status = world.status();
    let record = record(context, world, status.direction)
        .await?
        .ok_or_else(|| EffectError::refused("there is no revision to return to"))?;
    for component in Component::ALL {
        let written = deployment(world, &record, component, start)?;
        context.writer().put_deployment(&written, false).await?;
    }
    Ok(())
}

/// A rollout that deployed nothing leaves nothing: its own record goes, and that of what runs too if it was made for this rollout alone.
/// What runs may be changed by other means until the next one, which records it anew.
async fn discard_unused(context: &Context, world: &World, revision: u32) -> Result<(), EffectError> {
    let adopted = world.application.as_ref().and_then(|application| application.status.as_ref()?.revision).is_none();
    if adopted {
        discard(context, world, 0).await?;
        discard(context, world, revision.saturating_sub(1)).await?;
    }
    // Where what runs was changed by other means, it was recorded under the number after the target's.
    discard(context, world, revision + 1).await?;
    discard(context, world, revision).await
}

async fn discard(context: &Context, world: &World, revision: u32) -> Result<(), EffectError> {
    let application = &world.rollout.spec.request.application;
    match context.revisions().read(application, revision).await {
        Ok(record) if record.rollout_uid != world.uid() => return Ok(()),
        Ok(record) => {
            let ours = record
                .objects
                .iter()
                .filter(|object| object.labels().get(REVISION_LABEL) == Some(&format!("{revision:03}")));
            for object in ours.filter(|object| is_versioned(object)) {
                if let Some(mut live) = context.writer().read_live(object).await? {
                    live.types.clone_from(&object.types);
                    context.writer().delete(&live).await?;
                }
            }
        }
        Err(RecordError::Missing(_)) => return Ok(()),
        Err(other) => return Err(other.into()),
    }
    Ok(context.revisions().delete(application, revision).await?)
}
