//! Reads everything that a decision is made from.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt,
    api::{ListParams, LogParams},
};

use super::{context::Context, probes};
use crate::{
    api::{FlinkApplication, FlinkRollout, FlinkRolloutStatus, Stage},
    cluster::{HaConfigMaps, Workload, pod_failure, read_autoscalers, read_workload},
    flink::{FlinkClient, FlinkError, JobState, innermost_cause},
    rollout::{ClaimHolder, FlinkView, Rival, SeenSavepoint, StatusExt as _, World, own_directory},
};

/// The world of one rollout; none if the rollout is gone.
pub async fn gather(context: &Context, name: &str) -> kube::Result<Option<World>> {
    let Some(mut world) = read(context, name).await? else { return Ok(None) };
    let uid = world.uid();
    let (since, answered) = context.observations.note_look(&uid, world.now, world.flink.jobs.is_some());
    (world.watched_since, world.flink_answered_at) = (since, answered);
    Ok(Some(world))
}

async fn read(context: &Context, name: &str) -> kube::Result<Option<World>> {
    let Some(rollout) = context.rollouts().get_opt(name).await? else { return Ok(None) };
    let application = context.applications().get_opt(&rollout.spec.request.application).await?;
    let mut world = World {
        now: jiff::Timestamp::now(),
        watched_since: jiff::Timestamp::now(),
        flink_answered_at: None,
        claim: None,
        rivals: Vec::new(),
        shared_with: None,
        job_manager: Workload::default(),
        task_manager: Workload::default(),
        autoscalers: Vec::new(),
        ha: HaConfigMaps::default(),
        flink: FlinkView::default(),
        seen: None,
        probes: BTreeMap::new(),
        logged_start: None,
        logged_cause: None,
        application,
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
    if let (Stage::Plan | Stage::Approve, Some(application)) = (status.stage, &application) {
        others(context, &mut world, application).await?;
    }
    if status.stage == Stage::Approve || (status.stage == Stage::Plan && status.revision.is_none()) {
        return Ok(Some(world));
    }
    // A plan carries all that is needed, also when the application was deleted meanwhile.
    cluster(context, &mut world, application.as_ref()).await?;
    flink(context, &mut world, application.as_ref(), &status).await;
    if status.stage == Stage::Savepoint {
        world.seen = seen(&world).await;
    }
    if matches!(status.stage, Stage::Verify | Stage::Monitor) {
        logs(context, &mut world, &status).await;
    }
    Ok(Some(world))
}

async fn others(context: &Context, world: &mut World, application: &FlinkApplication) -> kube::Result<()> {
    let name = application.name_any();
    let params = ListParams::default().fields(&format!("spec.request.application={name}"));
    let all = context.rollouts().list(&params).await?.items;
    let ended = |rollout: &FlinkRollout| rollout.status.as_ref().is_some_and(|status| status.result.is_some());
    let ours = world.uid();
    world.rivals = all
        .iter()
        .filter(|rollout| rollout.uid().as_deref() != Some(ours.as_str()) && !ended(rollout))
        .map(|rollout| Rival { name: rollout.name_any(), kind: rollout.spec.request.kind })
        .collect();
    if world.status().revision.is_none() {
        world.shared_with = shared_with(context, application).await?;
    }
    let active = application.status.as_ref().and_then(|status| status.active_rollout.clone());
    world.claim = active.map(|active| {
        let holder = all.iter().find(|rollout| rollout.uid().as_deref() == Some(active.uid.as_str()));
        ClaimHolder {
            stale: holder.is_none_or(ended),
            waits_for_approval: holder
                .and_then(|rollout| rollout.status.as_ref())
                .is_some_and(|status| status.stage == Stage::Approve),
            name: active.name,
            uid: active.uid,
        }
    });
    Ok(())
}

/// Another application that a rollout of this one would reach into.
async fn shared_with(context: &Context, application: &FlinkApplication) -> kube::Result<Option<String>> {
    let claims = |application: &FlinkApplication| {
        let spec = &application.spec;
        let deployments = [spec.job_manager.clone(), spec.task_manager.clone()];
        (deployments, spec.high_availability.kubernetes_cluster_id.clone())
    };
    let (deployments, cluster) = claims(application);
    let all = context.applications().list(&ListParams::default()).await?;
    let mut others = all.items.iter().filter(|other| other.name_any() != application.name_any());
    let shares = others.find(|other| {
        let (theirs, other_cluster) = claims(other);
        other_cluster == cluster || theirs.iter().any(|name| deployments.contains(name))
    });
    Ok(shares.map(ResourceExt::name_any))
}

async fn cluster(context: &Context, world: &mut World, application: Option<&FlinkApplication>) -> kube::Result<()> {
    let (job_manager, task_manager, mut ids) = match (world.plan(), application) {
        (Some(plan), _) => {
            let before = plan.before.as_ref().map(|before| before.high_availability.kubernetes_cluster_id.clone());
            let ids = std::iter::once(plan.target.kubernetes_cluster_id.clone()).chain(before).collect::<Vec<_>>();
            (plan.settings.job_manager.clone(), plan.settings.task_manager.clone(), ids)
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
    // A ReplicaSet that is used again may carry warnings of an earlier try.
    let warnings = matches!(status.stage, Stage::Verify | Stage::Monitor)
        .then(|| started.map_or(world.now, |record| record.started_at.0));
    let read = |name: String| async move { read_workload(&context.client, &context.namespace, &name, warnings).await };
    let (job_manager, task_manager) = tokio::try_join!(read(job_manager), read(task_manager))?;
    if status.stage == Stage::Plan {
        world.autoscalers = read_autoscalers(&context.client, &context.namespace).await?;
    }
    world.job_manager = job_manager;
    world.task_manager = task_manager;
    for id in ids {
        world.ha.items.extend(HaConfigMaps::read(&context.client, &context.namespace, &id).await?.items);
    }
    Ok(())
}

async fn flink(
    context: &Context,
    world: &mut World,
    application: Option<&FlinkApplication>,
    status: &FlinkRolloutStatus,
) {
    let silent = matches!(status.stage, Stage::Stop | Stage::ClearHa | Stage::Deploy | Stage::Restore);
    if silent || world.job_manager.live_pods().next().is_none() {
        return;
    }
    let planned = world.plan().map(|plan| plan.settings.rest_service.clone());
    let Some(service) = planned.or_else(|| application.map(|application| application.spec.rest_service.clone())) else {
        return;
    };
    let client = context.flink(&service);
    let mut view = FlinkView::default();
    let asked = match status.stage {
        Stage::Plan => ask_for_plan(&client, &mut view).await,
        Stage::Savepoint => ask_for_savepoint(&client, &mut view, world, status).await,
        _ => ask_for_watch(&client, &mut view, world, status).await,
    };
    if let Err(error) = asked {
        view.unknown = Some(error.to_string());
    }
    if status.stage == Stage::Monitor {
        probes::ask(context, &client, world, &view).await;
    }
    world.flink = view;
}

async fn ask_for_plan(client: &FlinkClient, view: &mut FlinkView) -> Result<(), FlinkError> {
    let jobs = client.jobs().await?;
    let version = client.web_configuration().await?.flink_version;
    view.version = Some(version.ok_or_else(|| FlinkError::Unknown("/config has no flink-version".to_owned()))?);
    view.configuration = Some(client.configuration().await?);
    if let Some(job) = jobs.iter().find(|job| !job.state.is_terminal()) {
        view.checkpoints = match client.checkpoints(&job.jid).await {
            Ok(checkpoints) => Some(checkpoints),
            Err(FlinkError::Refused { .. }) => None,
            // No answer is not the answer that there are none.
            Err(error) => return Err(error),
        };
    }
    view.jobs = Some(jobs);
    Ok(())
}

async fn ask_for_savepoint(
    client: &FlinkClient,
    view: &mut FlinkView,
    world: &World,
    status: &FlinkRolloutStatus,
) -> Result<(), FlinkError> {
    let job = world.plan().and_then(|plan| plan.before.as_ref()?.job_id.clone());
    let jobs = client.jobs().await?;
    let there = jobs.iter().any(|known| Some(&known.jid) == job.as_ref());
    view.jobs = Some(jobs);
    let Some(job) = job.filter(|_| there) else { return Ok(()) };
    let stop = status.operation("stop-with-savepoint");
    if stop.is_none() {
        view.configuration = Some(client.configuration().await?);
    }
    if stop.is_none() && !world.rollout.spec.request.start_from.takes_no_savepoint() {
        return Ok(());
    }
    view.refresh_interval = client.web_configuration().await?.refresh_interval;
    let checkpoints = client.checkpoints(&job).await?;
    let detail = client.job(&job).await?;
    // Reading a completed stop lets the JobManager go. While the job runs and no savepoint is under way there is none to lose;
    // Flink caches both answers, so that much is waited first.
    let asked_at = stop.map(|operation| operation.completed_at.as_ref().unwrap_or(&operation.started_at).0);
    let settled = asked_at.is_some_and(|at| world.now.duration_since(at) >= view.cached_for());
    let directory = world.plan().map(|plan| own_directory(&plan.settings.savepoint.directory, &world.rollout));
    let in_sight = directory.is_some_and(|directory| checkpoints.completed_in(&directory).is_some());
    let may_read = !in_sight
        && match detail.state {
            JobState::Running | JobState::Restarting => !checkpoints.stop_in_progress(),
            JobState::Failed => true,
            _ => false,
        };
    if let (true, true, Some(operation)) = (settled, may_read, stop) {
        view.stop = match client.stop_status(&job, &operation.id).await {
            Ok(answer) => Some(Ok(answer)),
            Err(FlinkError::Refused { message, .. }) => Some(Err(message)),
            Err(FlinkError::Unknown(_)) => None,
        };
    }
    view.checkpoints = Some(checkpoints);
    view.job = Some(detail);
    Ok(())
}

async fn ask_for_watch(
    client: &FlinkClient,
    view: &mut FlinkView,
    _: &World,
    status: &FlinkRolloutStatus,
) -> Result<(), FlinkError> {
    let jobs = client.jobs().await?;
    let job = status.job.as_ref().map(|job| job.job_id.clone());
    let there = jobs.iter().any(|known| Some(&known.jid) == job.as_ref());
    view.jobs = Some(jobs);
    let Some(job) = job.filter(|_| there) else { return Ok(()) };
    view.exceptions = client.exceptions(&job).await.ok();
    let detail = client.job(&job).await?;
    if !detail.vertices.iter().all(crate::flink::Vertex::is_running) {
        view.slots = client.slots().await.ok();
    }
    view.job = Some(detail);
    if status.stage == Stage::Monitor {
        view.refresh_interval = client.web_configuration().await?.refresh_interval;
    }
    view.checkpoints = Some(client.checkpoints(&job).await?);
    Ok(())
}

/// Completed savepoints in the rollout's own directory, where the bot can see it.
async fn seen(world: &World) -> Option<Vec<SeenSavepoint>> {
    let settings = &world.plan()?.settings.savepoint;
    let view = settings.local_view.as_ref()?;
    let directory = own_directory(&settings.directory, &world.rollout);
    let rest = directory.strip_prefix(&view.prefix)?;
    let local = format!("{}{rest}", view.path);
    let mut found = Vec::new();
    let mut entries = tokio::fs::read_dir(&local).await.ok()?;
    while let Ok(Some(entry)) = entries.next_entry().await {
        if tokio::fs::try_exists(entry.path().join("_metadata")).await.unwrap_or(false) {
            found.push(SeenSavepoint { path: format!("{directory}/{}", entry.file_name().to_string_lossy()) });
        }
    }
    Some(found)
}

/// Asks the JobManager's log where only it knows: what a container that ended died of, and what a restarted job first started from.
async fn logs(context: &Context, world: &mut World, status: &FlinkRolloutStatus) {
    let ended = pod_failure(&world.job_manager).is_some();
    let restarted = world.flink.checkpoints.as_ref().is_some_and(|checkpoints| checkpoints.counts.restored > 1);
    let unproven = status.job.as_ref().is_some_and(|job| job.restored_at.is_none());
    let worth_reading = ended || (restarted && unproven);
    if !worth_reading {
        return;
    }
    let Some(pod) = world.job_manager.live_pods().next().map(ResourceExt::name_any) else { return };
    let api: Api<Pod> = Api::namespaced(context.client.clone(), &context.namespace);
    let read = |previous: bool| {
        let (api, pod) = (api.clone(), pod.clone());
        async move {
            api.logs(&pod, &LogParams { previous, tail_lines: Some(2000), ..LogParams::default() })
                .await
                .unwrap_or_default()
        }
    };
    let previous = read(true).await;
    let log = if previous.is_empty() { read(false).await } else { previous };
    world.logged_cause = innermost_cause(&log);
    let job = status.job.as_ref().map_or("", |job| job.job_id.as_str());
    let marker = format!("Starting job {job} from savepoint ");
    world.logged_start = log
        .lines()
        .find_map(|line| line.split_once(&marker))
        .map(|(_, path)| path.split_whitespace().next().unwrap_or_default().to_owned());
}
