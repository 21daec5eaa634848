//! Asks Flink what a stage needs to know.

use crate::{
    api::{FlinkApplication, FlinkRolloutStatus},
    controller::{context::Context, probes},
    flink::{FlinkClient, FlinkError},
    rollout::{FlinkQuestions, FlinkView, Needs, Operation, StatusExt as _, StopStatus, World, may_read_stop},
};

/// Asks Flink behind the application's REST Service. If Flink does not answer, the view holds the reason; gathering does not fail.
pub(super) async fn ask_flink(
    context: &Context,
    world: &mut World,
    application: Option<&FlinkApplication>,
    needs: &Needs,
) {
    if needs.flink == FlinkQuestions::None || world.workloads.job_manager.live_pods().next().is_none() {
        return;
    }
    let planned = world.plan().map(|plan| plan.settings.rest_service.clone());
    let Some(service) = planned.or_else(|| application.map(|application| application.spec.rest_service.clone())) else {
        return;
    };
    let client = context.flink(&service);
    let status = world.status();
    let mut view = FlinkView::default();
    let asked = match needs.flink {
        FlinkQuestions::None => Ok(()),
        FlinkQuestions::WhatRuns => ask_what_runs(&client, &mut view).await,
        FlinkQuestions::Stop => ask_about_stop(&client, &mut view, world, &status).await,
        FlinkQuestions::StartedJob { refresh_interval } => {
            ask_about_started_job(&client, &mut view, &status, refresh_interval).await
        }
    };
    if let Err(error) = asked {
        view.unknown = Some(error.to_string());
    }
    if needs.probes {
        probes::ask_probes(context, &client, world, &view).await;
    }
    world.flink = view;
}

async fn ask_what_runs(client: &FlinkClient, view: &mut FlinkView) -> Result<(), FlinkError> {
    let jobs = client.jobs().await?;
    let version = client.web_configuration().await?.flink_version;
    view.version = Some(version.ok_or_else(|| FlinkError::Unknown("/config has no flink-version".to_owned()))?);
    view.configuration = Some(client.configuration().await?);
    if let Some(job) = jobs.iter().find(|job| !job.state.is_terminal()) {
        view.checkpoints = match client.checkpoints(&job.jid).await {
            Ok(checkpoints) => Some(checkpoints),
            Err(FlinkError::Refused { .. }) => None,
            // A missing answer does not mean that there are no checkpoints.
            Err(error) => return Err(error),
        };
        // No rollout is refused because one of these answers is missing.
        view.job = client.job(&job.jid).await.ok();
        view.checkpoint_configuration = client.checkpoint_configuration(&job.jid).await.ok();
        let configuration = client.job_configuration(&job.jid).await.ok();
        view.restart_strategy = configuration.and_then(|configuration| configuration.execution_config.restart_strategy);
    }
    view.jobs = Some(jobs);
    Ok(())
}

async fn ask_about_stop(
    client: &FlinkClient,
    view: &mut FlinkView,
    world: &World,
    status: &FlinkRolloutStatus,
) -> Result<(), FlinkError> {
    let job = world.plan().and_then(|plan| Some(plan.current.as_ref()?.job.as_ref()?.id.clone()));
    let jobs = client.jobs().await?;
    let is_listed = jobs.iter().any(|known| Some(&known.jid) == job.as_ref());
    view.jobs = Some(jobs);
    let Some(job) = job.filter(|_| is_listed) else { return Ok(()) };
    let stop = status.operation(Operation::StopWithSavepoint);
    if stop.is_none() {
        view.configuration = Some(client.configuration().await?);
    }
    if stop.is_none() && !world.rollout.spec.request.start_from.takes_no_savepoint() {
        return Ok(());
    }
    view.refresh_interval = client.web_configuration().await?.refresh_interval;
    view.checkpoints = Some(client.checkpoints(&job).await?);
    view.job = Some(client.job(&job).await?);
    if let Some(operation) = stop.filter(|_| may_read_stop(world, view)) {
        view.stop = match client.stop_status(&job, &operation.id).await {
            Ok(answer) => StopStatus::Known(answer),
            Err(FlinkError::Refused { message, .. }) => StopStatus::Forgotten(message),
            Err(FlinkError::Unknown(_)) => StopStatus::NotRead,
        };
    }
    Ok(())
}

async fn ask_about_started_job(
    client: &FlinkClient,
    view: &mut FlinkView,
    status: &FlinkRolloutStatus,
    refresh_interval: bool,
) -> Result<(), FlinkError> {
    let jobs = client.jobs().await?;
    let job = status.job.as_ref().map(|job| job.job_id.clone());
    let is_listed = jobs.iter().any(|known| Some(&known.jid) == job.as_ref());
    view.jobs = Some(jobs);
    let Some(job) = job.filter(|_| is_listed) else { return Ok(()) };
    view.exceptions = client.exceptions(&job).await.ok();
    let unproven = status.job.as_ref().is_some_and(|job| job.restored_at.is_none());
    if unproven {
        view.configuration = client.configuration().await.ok();
        view.checkpoint_configuration = client.checkpoint_configuration(&job).await.ok();
    }
    let detail = client.job(&job).await?;
    if !detail.vertices.iter().all(crate::flink::Vertex::is_running_or_finished) {
        view.slots = client.slots().await.ok();
    }
    view.job = Some(detail);
    if refresh_interval || unproven {
        view.refresh_interval = client.web_configuration().await?.refresh_interval;
    }
    view.checkpoints = Some(client.checkpoints(&job).await?);
    Ok(())
}
