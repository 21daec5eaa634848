//! Makes the plan: bakes the target, records what runs, checks that both could be written, and takes the digest.

mod checks;
mod ownership;
mod previous;

use std::collections::BTreeSet;

use jiff::SignedDuration;
use kube::{
    ResourceExt,
    core::{DynamicObject, GroupVersionKind, TypeMeta},
    discovery::{self, Scope},
};
use serde_json::Value;

use super::{
    context::Context,
    effect_error::EffectError,
    objects::{as_dynamic, cleaned, deployment, is_versioned},
    replicas,
};
use crate::{
    api::{
        APPLICATION_LABEL, Component, Current, Direction, FlinkApplication, JobId, Plan, RequestKind, Settings, Target,
    },
    bake::{Helm, PolicyContext, Release, Start, apply_versioned_names, changes, find_violations, with_version},
    cluster::{is_workload, kind_of},
    digest::digest_of,
    record::RevisionRecord,
    rollout::{Assessment, EffectResult, World, assess},
};

const MAX_CHANGES: usize = 40;

/// Makes the plan of a rollout that holds the claim.
pub(super) async fn plan(context: &Context, world: &World) -> EffectResult {
    try_plan(context, world).await.map_or_else(EffectResult::from, |plan| EffectResult::Planned(Box::new(plan)))
}

async fn try_plan(context: &Context, world: &World) -> Result<Plan, EffectError> {
    let application = world.application.as_ref().ok_or_else(|| EffectError::refused("the FlinkApplication is gone"))?;
    let current = match assess(world, application).map_err(EffectError::Refused)? {
        Assessment::NotAnswered => return Err(EffectError::NotNow("Flink does not answer".to_owned())),
        Assessment::FirstDeployment => None,
        Assessment::Existing(current) => Some(*current),
    };
    let revision =
        world.status().revision.ok_or_else(|| EffectError::NotNow("the claim has no revision number".to_owned()))?;
    let Baked { record: mut target, names_replicas } = target(context, world, application, revision).await?;
    checks::leftovers(world)?;
    let found = match &current {
        None => None,
        Some(current) => Some(previous::find_or_adopt(context, world, application, current, &target).await?),
    };
    let changed = found.as_ref().and_then(|found| found.changed.clone());
    let previous = found.map(|found| found.record);
    if world.rollout.spec.request.kind == RequestKind::Deploy {
        let names = application.spec.deployments();
        let known = previous.as_ref().map(|previous| previous.objects.as_slice()).unwrap_or_default();
        apply_versioned_names(&mut target.objects, names, revision, known);
    }
    checks::arguments(&target, application, current.as_ref())?;
    checks::ids(&target, application)?;
    checks::references(context, &target, application).await?;
    checks::owners(context, application, &target, previous.as_ref()).await?;
    checks::rights(context, application, &target, previous.as_ref()).await?;
    let current = current.map(|current| replicas::as_it_ran(current, previous.as_ref()));
    let kept = replicas::kept(world, current.as_ref(), &application.spec.task_manager, names_replicas);
    if let Some(kept) = &kept {
        target.task_manager_replicas = kept.replicas;
    }
    let mut plan = assemble(world, application, current, &target, previous.as_ref());
    plan.target.keeps_replicas = kept.is_some();
    let written = dry_run(context, world, &plan, &target).await?;
    let adopted = previous.as_ref().is_none_or(|previous| previous.rollout_uid == world.uid());
    // Live objects carry the API server's defaults, a chart's do not: what is adopted is compared with what would be live.
    let new = if adopted { &written } else { &target.objects };
    plan.changes =
        changes(previous.as_ref().map(|previous| previous.objects.as_slice()).unwrap_or_default(), new, MAX_CHANGES);
    if let Some(kept) = kept {
        kept.tell(&mut plan.changes);
    }
    plan.changes.splice(0..0, changed);
    context.revisions().write(&target).await?;
    Ok(plan)
}

/// What a target is made of.
struct Baked {
    record: RevisionRecord,
    /// Whether it says how many `TaskManagers` it runs with.
    names_replicas: bool,
}

/// The target's objects: baked for a Deploy, read from its record for a `RollBack`.
async fn target(
    context: &Context,
    world: &World,
    application: &FlinkApplication,
    revision: u32,
) -> Result<Baked, EffectError> {
    let request = &world.rollout.spec.request;
    if request.kind == RequestKind::RollBack {
        let status = application.status.clone().unwrap_or_default();
        let number = request.revision.or_else(|| {
            let mut others = status.revisions.iter().rev().filter(|known| Some(known.number) != status.revision);
            others.next().map(|known| known.number)
        });
        let number = number.ok_or_else(|| EffectError::refused("there is no earlier revision to roll back to"))?;
        let mut record = context.revisions().read(&application.name_any(), number).await?;
        record.revision = revision;
        record.rollout_uid = world.uid();
        // What it ran with at its end counts, not what it was deployed with.
        let known = status.revisions.iter().find(|known| known.number == number);
        if let Some(replicas) = known.and_then(|known| known.task_manager_replicas) {
            record.task_manager_replicas = replicas;
        }
        return Ok(Baked { record, names_replicas: true });
    }
    let version = request.version.clone().unwrap_or_default();
    let objects = bake(context, application, &version).await?;
    let replicas = replicas::of_chart(&objects, &application.spec.task_manager);
    let record = RevisionRecord {
        application: application.name_any(),
        revision,
        rollout_uid: world.uid(),
        version,
        task_manager_replicas: replicas.unwrap_or(1),
        objects,
    };
    Ok(Baked { record, names_replicas: replicas.is_some() })
}

async fn bake(
    context: &Context,
    application: &FlinkApplication,
    version: &str,
) -> Result<Vec<DynamicObject>, EffectError> {
    let spec = &application.spec;
    let info = context.client.apiserver_version().await?;
    let helm = Helm {
        program: context.helm.clone(),
        kube_version: info.git_version,
        api_versions: api_versions(context).await?,
    };
    let name = application.name_any();
    let values = with_version(spec.values.as_ref(), &spec.version_value, version);
    let release = Release {
        name: spec.chart.release_name.as_deref().unwrap_or(&name),
        namespace: &context.namespace,
        chart: &spec.chart.path,
        values: &values,
    };
    let mut objects = helm.template(&release).await.map_err(|error| EffectError::refused(error.to_string()))?;
    let kinds = namespaced_kinds(context, &objects).await?;
    let policy = PolicyContext {
        namespace: &context.namespace,
        namespaced_kinds: &kinds,
        allow: &spec.allow,
        workloads: spec.deployments(),
    };
    let found = find_violations(&objects, &policy);
    if !found.is_empty() {
        return Err(EffectError::refused(format!(
            "the chart renders what may not be deployed: {}. Change the chart, or have the FlinkApplication changed by the platform team",
            found.join("; ")
        )));
    }
    for object in &mut objects {
        object.metadata.namespace = Some(context.namespace.clone());
        object.labels_mut().insert(APPLICATION_LABEL.to_owned(), name.clone());
    }
    Ok(objects)
}

async fn api_versions(context: &Context) -> Result<Vec<String>, EffectError> {
    let groups = context.client.list_api_groups().await?;
    let mut versions = vec!["v1".to_owned()];
    versions.extend(groups.groups.into_iter().flat_map(|group| group.versions).map(|version| version.group_version));
    Ok(versions)
}

async fn namespaced_kinds(context: &Context, objects: &[DynamicObject]) -> Result<BTreeSet<String>, EffectError> {
    let types: BTreeSet<(String, String)> = objects
        .iter()
        .filter_map(|object| object.types.as_ref())
        .map(|types| (types.api_version.clone(), types.kind.clone()))
        .collect();
    let mut kinds = BTreeSet::new();
    for (api_version, kind) in types {
        let Ok(gvk) = GroupVersionKind::try_from(&TypeMeta { api_version: api_version.clone(), kind: kind.clone() })
        else {
            continue;
        };
        match discovery::pinned_kind(&context.client, &gvk).await {
            Ok((_, capabilities)) if capabilities.scope == Scope::Namespaced => {
                kinds.insert(format!("{api_version}/{kind}"));
            }
            Ok(_) | Err(kube::Error::Discovery(_)) => {}
            // Of a group that does not exist the API server speaks in plain text.
            Err(kube::Error::Api(status)) if (400..500).contains(&status.code) && status.code != 429 => {}
            // No answer does not mean that there is no such kind.
            Err(error) => return Err(error.into()),
        }
    }
    Ok(kinds)
}

fn assemble(
    world: &World,
    application: &FlinkApplication,
    current: Option<Current>,
    target: &RevisionRecord,
    previous: Option<&RevisionRecord>,
) -> Plan {
    let spec = &application.spec;
    let replaced = current.as_ref().map(|current| {
        current.workloads.as_ref().map(|workload| (workload.uid.clone(), workload.template_digest.clone()))
    });
    let digest = digest_of(&(&target.objects, &target.version, replaced, &world.rollout.spec.request.start_from));
    let timeout = SignedDuration::from_secs(i64::from(spec.approvals.timeout_seconds));
    Plan {
        digest,
        approvals_needed: spec.approvals.required,
        expires_at: crate::api::time(world.now.checked_add(timeout).unwrap_or(jiff::Timestamp::MAX)),
        first_deployment: current.is_none(),
        previous_revision: previous.map(|previous| previous.revision),
        from_version: previous.map(|previous| previous.version.clone()),
        to_version: target.version.clone(),
        target: Target {
            revision: target.revision,
            task_manager_replicas: target.task_manager_replicas,
            keeps_replicas: false,
            // Checked: what the chart sets is the same.
            kubernetes_cluster_id: spec.high_availability.kubernetes_cluster_id.clone(),
        },
        settings: Settings {
            deployments: spec.deployments().map(str::to_owned),
            rest_service: spec.rest_service.clone(),
            savepoint: spec.savepoint.clone(),
            monitor: spec.monitor.clone(),
            start_deadline_seconds: spec.start_deadline_seconds,
            automatic_rollback: spec.automatic_rollback,
        },
        changes: Vec::new(),
        current,
    }
}

/// Whether a `RoleBinding` names a Role that this target brings with it: the API server refuses even to try one whose Role is not there.
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

/// Everything that will be written is tried first, with a stand-in for the start state.
async fn dry_run(
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
            written.push(cleaned(&applied));
        }
    }
    let mut planned = world.clone();
    let mut status = planned.status();
    status.plan = Some(plan.clone());
    status.direction = Direction::Forward;
    planned.rollout.status = Some(status);
    let start = Start { job_id: JobId::from(0), path: Some("file:/planned".into()) };
    for component in Component::ALL {
        let deployment = deployment(&planned, target, component, &start)?;
        let mut deployment = as_dynamic(&writer.put_deployment(&deployment, true).await?)?;
        if component == Component::TaskManager {
            replicas::set(&mut deployment, target.task_manager_replicas);
        }
        written.push(cleaned(&deployment));
    }
    Ok(written)
}
