//! Reads everything that the next step depends on. Each stage says what it needs to see.

mod flink;
mod logs;
mod rivals;
mod savepoints;

use std::collections::BTreeMap;

use kube::{Api, core::DeserializeGuard};
use tracing::warn;

use self::{flink::ask_flink, logs::read_logs, rivals::read_rivals, savepoints::read_savepoints_on_disk};
use super::context::Context;
use crate::{
    api::{FlinkApplication, FlinkRollout, PerComponent, Stage},
    cluster::{HaConfigMaps, read_autoscalers, read_workloads},
    rollout::{FlinkView, Needs, World, needs},
};

/// Reads the world of one rollout. There is none if the rollout was deleted.
pub async fn gather(context: &Context, name: &str) -> kube::Result<Option<World>> {
    let Some(mut world) = read_world(context, name).await? else { return Ok(None) };
    let uid = world.uid();
    let (since, answered) = context.observations.record_observation(&uid, world.now, world.flink.jobs.is_some());
    (world.watched_since, world.flink_answered_at) = (since, answered);
    Ok(Some(world))
}

async fn read_world(context: &Context, name: &str) -> kube::Result<Option<World>> {
    let Some(rollout) = context.rollouts().get_opt(name).await? else { return Ok(None) };
    let (application, application_is_unreadable) = read_application(context, &rollout).await?;
    let mut world = World {
        now: jiff::Timestamp::now(),
        watched_since: jiff::Timestamp::now(),
        flink_answered_at: None,
        claim: None,
        rivals: Vec::new(),
        shared_with: None,
        workloads: PerComponent::default(),
        autoscalers: Vec::new(),
        ha: HaConfigMaps::default(),
        flink: FlinkView::default(),
        savepoints_on_disk: None,
        probes: BTreeMap::new(),
        logged_start: None,
        logged_cause: None,
        application,
        application_is_unreadable,
        rollout,
    };
    let status = world.status();
    if status.result.is_some() {
        return Ok(Some(world));
    }
    let application = world.application.clone();
    if application.is_none() && status.plan.is_none() {
        return Ok(Some(world));
    }
    let needs = needs(&status);
    if let Some(application) = application.as_ref().filter(|_| needs.rivals) {
        read_rivals(context, &mut world, application).await?;
    }
    if !needs.cluster {
        return Ok(Some(world));
    }
    // The application may be deleted after Plan. The plan holds everything that the later stages need.
    read_cluster(context, &mut world, application.as_ref(), &needs).await?;
    ask_flink(context, &mut world, application.as_ref(), &needs).await;
    if needs.savepoints_on_disk {
        world.savepoints_on_disk = read_savepoints_on_disk(&world).await;
    }
    if needs.logs {
        read_logs(context, &mut world, &status).await;
    }
    Ok(Some(world))
}

/// Reads the application, and whether this version cannot read the one that is there. A rollout under way does not need it, so it goes on
/// as if the application was deleted.
async fn read_application(context: &Context, rollout: &FlinkRollout) -> kube::Result<(Option<FlinkApplication>, bool)> {
    let applications: Api<DeserializeGuard<FlinkApplication>> =
        Api::namespaced(context.client.clone(), &context.namespace);
    let application = &rollout.spec.request.application;
    let Some(stored) = applications.get_opt(application).await? else { return Ok((None, false)) };
    match stored.0 {
        Ok(application) => Ok((Some(application), false)),
        Err(error) => {
            if rollout.status.as_ref().is_none_or(|status| status.plan.is_none()) {
                warn!(application, %error, "this version of Lockkeeper cannot read the FlinkApplication");
            }
            Ok((None, true))
        }
    }
}

async fn read_cluster(
    context: &Context,
    world: &mut World,
    application: Option<&FlinkApplication>,
    needs: &Needs,
) -> kube::Result<()> {
    let (job_manager, task_manager, mut ids) = match (world.plan(), application) {
        (Some(plan), _) => {
            let current = plan.current.as_ref().map(|current| current.high_availability.kubernetes_cluster_id.clone());
            let ids = std::iter::once(plan.target.kubernetes_cluster_id.clone()).chain(current).collect::<Vec<_>>();
            (plan.settings.deployments.job_manager.clone(), plan.settings.deployments.task_manager.clone(), ids)
        }
        (None, Some(application)) => {
            let spec = &application.spec;
            let ids = vec![spec.high_availability.kubernetes_cluster_id.clone()];
            (spec.job_manager.clone(), spec.task_manager.clone(), ids)
        }
        (None, None) => return Ok(()),
    };
    ids.dedup();
    let status = world.status();
    let started = status.stages.iter().rev().find(|record| matches!(record.stage, Stage::Deploy | Stage::Restore));
    // A ReplicaSet that is used again may still have warnings of an earlier attempt.
    let warnings = needs.warnings.then(|| started.map_or(world.now, |record| record.started_at.0));
    let deployments = PerComponent { job_manager: job_manager.as_str(), task_manager: task_manager.as_str() };
    world.workloads = read_workloads(&context.client, &context.namespace, deployments, warnings).await?;
    if needs.autoscalers {
        world.autoscalers = read_autoscalers(&context.client, &context.namespace).await?;
    }
    for id in ids {
        world.ha.items.extend(HaConfigMaps::read(&context.client, &context.namespace, &id).await?.items);
    }
    Ok(())
}
