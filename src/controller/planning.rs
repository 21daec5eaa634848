//! Makes the plan: bakes the target, records what runs, checks that both can be written, and computes the digest.

mod addresses;
mod adoption;
mod bake;
mod checks;
mod drift;
mod dry_run;
mod live_template;
mod ownership;
mod previous;
mod warnings;

use jiff::SignedDuration;

use self::{
    bake::{Baked, bake_target},
    dry_run::dry_run,
};
use super::{context::Context, effect_error::EffectError, recall::read_secrets, replicas};
use crate::{
    api::{Current, FlinkApplication, Plan, RequestKind, Settings, Target},
    bake::{apply_versioned_names, changes},
    digest::digest_of,
    record::RevisionRecord,
    rollout::{Assessment, EffectResult, World, assess},
};

const MAX_CHANGES: usize = 40;
/// A dry run keeps the fields of another deployer, and Deploy does not.
const OTHER_DEPLOYER: &str = "another tool deployed what runs, for example Helm: fields that it set and the chart no longer has are removed, \
                              and the list of changes cannot show them for objects other than the two Deployments";

/// The rollout must hold the claim.
pub(super) async fn make_plan(context: &Context, world: &World) -> EffectResult {
    try_plan(context, world).await.map_or_else(EffectResult::from, |plan| EffectResult::Planned(Box::new(plan)))
}

async fn try_plan(context: &Context, world: &World) -> Result<Plan, EffectError> {
    let _permit = context.planning.acquire().await.map_err(|error| EffectError::NotNow(error.to_string()))?;
    let application = world.application.as_ref().ok_or_else(|| EffectError::refused("the FlinkApplication is gone"))?;
    addresses::check_addresses(application, &context.namespace)?;
    let current = match assess(world, application).map_err(EffectError::Refused)? {
        Assessment::NotAnswered => return Err(EffectError::NotNow("Flink does not answer".to_owned())),
        Assessment::FirstDeployment => None,
        Assessment::Existing(current) => Some(*current),
    };
    let revision =
        world.status().revision.ok_or_else(|| EffectError::NotNow("the claim has no revision number".to_owned()))?;
    let Baked { record: mut target, sets_replicas } = bake_target(context, world, application, revision).await?;
    checks::check_leftovers(world)?;
    let found = match &current {
        None => None,
        Some(current) => Some(previous::find_or_adopt(context, world, application, current, &target).await?),
    };
    let changed = found.as_ref().and_then(|found| found.changed.clone());
    let previous_digest = found.as_ref().map(|found| found.digest.clone());
    let previous = found.map(|found| found.record);
    if world.rollout.spec.request.kind == RequestKind::Deploy {
        let names = application.spec.deployments();
        let known = previous.as_ref().map(|previous| previous.objects.as_slice()).unwrap_or_default();
        apply_versioned_names(&mut target.objects, names, revision, known);
    }
    for record in previous.iter().chain([&target]) {
        context.secrets.learn(&record.application, &read_secrets(context, record).await?);
    }
    checks::check_arguments(&target, application, current.as_ref())?;
    checks::check_cluster_ids(&target, application)?;
    checks::check_references(context, &target, application).await?;
    checks::check_owners(context, application, &target, previous.as_ref()).await?;
    checks::check_permissions(context, application, &target, previous.as_ref()).await?;
    let current = current.map(|current| replicas::restore_parked_replicas(current, previous.as_ref()));
    let kept = replicas::keep_live_replicas(world, current.as_ref(), &application.spec.task_manager, sets_replicas);
    if let Some(kept) = &kept {
        target.task_manager_replicas = kept.replicas;
    }
    let mut plan = assemble_plan(world, application, current, &target, previous.as_ref());
    plan.target.record_digest = Some(target.digest()?);
    plan.previous_record_digest = previous_digest;
    plan.digest = plan_digest(world, &plan);
    plan.target.keeps_replicas = kept.is_some();
    let written = dry_run(context, world, &plan, &target).await?;
    let adopted = previous.as_ref().is_none_or(|previous| previous.rollout_uid == world.uid());
    // Live objects have the API server's defaults, and a chart's objects do not. So an adopted record is compared with the dry run.
    let new = if adopted { &written } else { &target.objects };
    plan.changes =
        changes(previous.as_ref().map(|previous| previous.objects.as_slice()).unwrap_or_default(), new, MAX_CHANGES);
    if let Some(kept) = kept {
        kept.show_in(&mut plan.changes);
    }
    plan.changes.splice(0..0, changed);
    let earlier = application.status.as_ref().map(|status| status.revisions.as_slice()).unwrap_or_default();
    warnings::add_warnings(&mut plan, world.flink.configuration.as_ref(), earlier);
    if adopted && previous.is_some() {
        plan.warnings.push(OTHER_DEPLOYER.to_owned());
    }
    context.revisions().write(&target).await?;
    Ok(plan)
}

/// What people approve. The start path, the job id and the live replicas come later and are not in it.
fn plan_digest(world: &World, plan: &Plan) -> String {
    let replaced = plan.current.as_ref().map(|current| {
        current.workloads.as_ref().map(|workload| (workload.uid.clone(), workload.template_digest.clone()))
    });
    let start = &world.rollout.spec.request.start_from;
    digest_of(&(&plan.target.record_digest, &plan.previous_record_digest, replaced, start))
}

fn assemble_plan(
    world: &World,
    application: &FlinkApplication,
    current: Option<Current>,
    target: &RevisionRecord,
    previous: Option<&RevisionRecord>,
) -> Plan {
    let spec = &application.spec;
    let timeout = SignedDuration::from_secs(i64::from(spec.approvals.timeout_seconds));
    Plan {
        digest: String::new(),
        approvals_needed: spec.approvals.required,
        expires_at: crate::api::time(world.now.checked_add(timeout).unwrap_or(jiff::Timestamp::MAX)),
        first_deployment: current.is_none(),
        previous_revision: previous.map(|previous| previous.revision),
        previous_record_digest: None,
        from_version: previous.map(|previous| previous.version.clone()),
        to_version: target.version.clone(),
        target: Target {
            revision: target.revision,
            task_manager_replicas: target.task_manager_replicas,
            keeps_replicas: false,
            record_digest: None,
            // `check_cluster_ids` made sure that the chart sets the same id.
            kubernetes_cluster_id: spec.high_availability.kubernetes_cluster_id.clone(),
        },
        settings: Settings {
            deployments: spec.deployments().map(str::to_owned),
            rest_service: spec.rest_service.clone(),
            savepoint: spec.savepoint.clone(),
            monitor: spec.monitor.clone(),
            start_deadline_seconds: spec.start_deadline_seconds,
            start_total_seconds: spec.start_total_seconds,
            rollback_start_seconds: spec.rollback_start_seconds,
            automatic_rollback: spec.automatic_rollback,
        },
        changes: Vec::new(),
        warnings: Vec::new(),
        current,
    }
}
