//! Tries every write of a plan as a dry run.

use kube::core::DynamicObject;
use serde_json::Value;

use super::super::{
    context::Context,
    effect_error::EffectError,
    objects::{as_dynamic, build_deployment, is_versioned, without_server_fields},
    replicas,
};
use crate::{
    api::{Component, Direction, JobId, Plan},
    bake::Start,
    cluster::{is_workload, kind_of},
    record::RevisionRecord,
    rollout::World,
};

/// Whether a `RoleBinding` names a Role that only this target creates. The API server refuses a dry run while the Role does not exist.
async fn binds_a_new_role(
    context: &Context,
    object: &DynamicObject,
    target: &RevisionRecord,
) -> Result<bool, EffectError> {
    let text = |pointer: &str| object.data.pointer(pointer).and_then(Value::as_str);
    let binds = kind_of(object) == "RoleBinding";
    let Some(role) = text("/roleRef/name").filter(|_| binds && text("/roleRef/kind") == Some("Role")) else {
        return Ok(false);
    };
    let Some(role) = target.object("Role", role) else { return Ok(false) };
    Ok(context.writer().read_live(role).await?.is_none())
}

/// Tries everything that the rollout will write. The start state is not known yet, so a placeholder path is used.
pub(super) async fn dry_run(
    context: &Context,
    world: &World,
    plan: &Plan,
    target: &RevisionRecord,
) -> Result<Vec<DynamicObject>, EffectError> {
    let writer = context.writer();
    let names = plan.settings.deployments.as_ref().map(String::as_str);
    let mut written = Vec::new();
    for object in target.objects.iter().filter(|object| !is_workload(object, names)) {
        if is_versioned(object) {
            writer.create_immutable(object, true).await?;
            written.push(object.clone());
        } else if binds_a_new_role(context, object, target).await? {
            written.push(object.clone());
        } else {
            let mut applied = writer.apply(object, true).await?;
            applied.types.clone_from(&object.types);
            written.push(without_server_fields(&applied));
        }
    }
    let mut planned = world.clone();
    let mut status = planned.status();
    status.plan = Some(plan.clone());
    status.direction = Direction::Forward;
    planned.rollout.status = Some(status);
    let start = Start { job_id: JobId::from(0), path: Some("file:/planned".into()) };
    for component in Component::ALL {
        let deployment = build_deployment(&planned, target, component, &start)?;
        let mut deployment = as_dynamic(&writer.put_deployment(&deployment, true).await?)?;
        if component == Component::TaskManager {
            replicas::set_replicas(&mut deployment, target.task_manager_replicas);
        }
        written.push(without_server_fields(&deployment));
    }
    Ok(written)
}
