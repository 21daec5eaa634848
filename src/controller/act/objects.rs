//! Writes the objects of a revision record.

use kube::{ResourceExt, core::DynamicObject};

use super::super::{
    context::Context,
    effect_error::EffectError,
    objects::{build_deployment, has_address, holds_data, is_versioned, only_in, record_live_workloads},
};
use crate::{
    api::{APPLICATION_LABEL, Component, Direction, PerComponent},
    bake::Start,
    cluster::{is_workload, template_digest},
    record::{RecordError, RevisionRecord},
    rollout::World,
};

pub(super) async fn create_versioned(context: &Context, world: &World) -> Result<(), EffectError> {
    let writer = context.writer();
    let previous = read_record(context, world, Direction::Back).await?;
    let target = read_record(context, world, Direction::Forward).await?;
    for record in [&previous, &target].into_iter().flatten() {
        for object in record.objects.iter().filter(|object| is_versioned(object)) {
            writer.create_immutable(object, false).await?;
        }
    }
    match target {
        Some(target) => take_over_objects(context, world, &target).await,
        None => Ok(()),
    }
}

/// Becomes the owner of the fields that another tool deployed. Without them an object may be refused, and that must show before the stop.
async fn take_over_objects(context: &Context, world: &World, target: &RevisionRecord) -> Result<(), EffectError> {
    let Some(plan) = world.plan() else { return Ok(()) };
    let names = plan.settings.deployments.as_ref().map(String::as_str);
    let writer = context.writer();
    for object in target.objects.iter().filter(|object| !is_workload(object, names) && !is_versioned(object)) {
        if writer.take_over_fields(object).await? {
            writer.apply(object, true).await?;
        }
    }
    Ok(())
}

/// Reads the record that a direction deploys, if it is the planned one. A first deployment has no record to go back to.
async fn read_record(
    context: &Context,
    world: &World,
    direction: Direction,
) -> Result<Option<RevisionRecord>, RecordError> {
    let Some(plan) = world.plan() else { return Ok(None) };
    let (number, digest) = match direction {
        Direction::Forward => (Some(plan.target.revision), &plan.target.record_digest),
        Direction::Back => (plan.previous_revision, &plan.previous_record_digest),
    };
    let Some(number) = number else { return Ok(None) };
    let application = &world.rollout.spec.request.application;
    let (record, _) = context.revisions().read_known(application, number, digest.as_deref()).await?;
    Ok(Some(record))
}

/// The record that the rollout writes now. On the way back without it, the ReplicaSets that Plan named stand in for it: then the two
/// workloads come back, and everything else stays as it is.
async fn read_source(context: &Context, world: &World) -> Result<Source, EffectError> {
    let direction = world.status().direction;
    match read_record(context, world, direction).await {
        Ok(Some(record)) => Ok(Source::Record(record)),
        Ok(None) => Err(EffectError::refused("there is no revision to return to")),
        Err(error @ RecordError::Api { .. }) => Err(error.into()),
        Err(error) if direction == Direction::Back => {
            let record = record_live_workloads(world).ok_or_else(|| {
                EffectError::refused(format!("{error}. A ReplicaSet of the previous version is gone too"))
            })?;
            let why = format!("{error}. Only the two Deployments are brought back, from their ReplicaSets");
            tracing::warn!(rollout = world.rollout.name_any(), why, "the record of the previous version is not used");
            context.events.publish_failure(&world.rollout, &why).await;
            Ok(Source::ReplicaSets(record))
        }
        Err(error) => Err(error.into()),
    }
}

enum Source {
    Record(RevisionRecord),
    /// The live Deployments, whose templates are replaced by those of the ReplicaSets.
    ReplicaSets(RevisionRecord),
}

pub(super) async fn apply_objects(context: &Context, world: &World) -> Result<(), EffectError> {
    let status = world.status();
    let other = if status.direction == Direction::Forward { Direction::Back } else { Direction::Forward };
    let wanted = match read_source(context, world).await? {
        Source::Record(record) => record,
        Source::ReplicaSets(_) => return Ok(()),
    };
    let leftover = match read_record(context, world, other).await {
        Err(error @ RecordError::Api { .. }) => return Err(error.into()),
        Err(error) => {
            // It only says what to delete, so the start does not need it.
            let why = format!("{error}. What only that revision has is left as it is");
            context.events.publish_failure(&world.rollout, &why).await;
            None
        }
        Ok(leftover) => leftover,
    };
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
        let is_previous = status.direction == Direction::Forward;
        if !(is_previous && has_address(object)) {
            delete_ours(context, object, &wanted.application).await?;
        }
    }
    Ok(())
}

/// Deletes what Deploy has left of the previous version. The new version is proven, so nobody goes back any more.
pub(super) async fn delete_addresses(context: &Context, world: &World) -> Result<(), EffectError> {
    let plan = world.plan().ok_or_else(|| EffectError::refused("the plan is gone"))?;
    let names = plan.settings.deployments.as_ref().map(String::as_str);
    let (Some(wanted), Some(previous)) =
        (read_record(context, world, Direction::Forward).await?, read_record(context, world, Direction::Back).await?)
    else {
        return Ok(());
    };
    for object in only_in(&previous, &wanted, names).filter(|object| has_address(object)) {
        delete_ours(context, object, &wanted.application).await?;
    }
    Ok(())
}

/// Deletes an object that only the other revision has. An object that holds data stays, and so does one that is not the application's.
async fn delete_ours(context: &Context, object: &DynamicObject, application: &str) -> Result<(), EffectError> {
    if holds_data(object) {
        return Ok(());
    }
    let Some(mut live) = context.writer().read_live(object).await? else { return Ok(()) };
    live.types.clone_from(&object.types);
    if live.labels().get(APPLICATION_LABEL).map(String::as_str) == Some(application) {
        context.writer().delete(&live).await?;
    }
    Ok(())
}

/// Writes both workloads. Returns the digests of their pod templates, as the API server answered.
pub(super) async fn write_deployments(
    context: &Context,
    world: &World,
    start: &Start,
) -> Result<PerComponent<String>, EffectError> {
    let (Source::Record(record) | Source::ReplicaSets(record)) = read_source(context, world).await?;
    let write = async |component| -> Result<String, EffectError> {
        let written = build_deployment(world, &record, component, start)?;
        let answer = context.writer().put_deployment(&written, false).await?;
        let template = answer.spec.map(|spec| spec.template).unwrap_or_default();
        Ok(template_digest(&template))
    };
    let job_manager = write(Component::JobManager).await?;
    Ok(PerComponent { job_manager, task_manager: write(Component::TaskManager).await? })
}
