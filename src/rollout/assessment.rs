//! What runs now, judged before anything is planned.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    configuration::{configuration_digest, to_checkpointing},
    known_conditions::find_conditions,
    offers::{self, Refusal, refuse_without_start},
    request::requested_path,
    restart_strategy::refuse_last_checkpoint,
    world::World,
};
use crate::{
    api::{
        self, Checkpointing, Choice, Current, FlinkApplication, HighAvailability, LastCheckpoint, MonitorSettings,
        PerComponent, RequestKind, RunningJob, StartFrom, StartFromKind, WorkloadSnapshot, watch_seconds_for,
    },
    cluster::Workload,
    flink::{Checkpoint, JobDetail, JobOverview, JobState},
    text::truncate,
};

/// What a rollout begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assessment {
    /// Flink has not answered yet.
    NotAnswered,
    /// Nothing of the application was ever deployed.
    FirstDeployment,
    /// Both workloads exist. A job runs, or the rollout needs none.
    Existing(Box<Current>),
}

/// Judges what runs now. A refusal says why no rollout can begin from it.
pub fn assess(world: &World, application: &FlinkApplication) -> Result<Assessment, Refusal> {
    let snapshots = world.workloads.as_ref().map(Workload::snapshot);
    let workloads = match snapshots {
        PerComponent { job_manager: None, task_manager: None } => {
            return check_first_deployment(world, application).map(|()| Assessment::FirstDeployment);
        }
        PerComponent { job_manager: Some(job_manager), task_manager: Some(task_manager) } => {
            PerComponent { job_manager, task_manager }
        }
        PerComponent { job_manager, .. } => return Err(refuse_one_missing(application, job_manager.is_some())),
    };
    check_not_autoscaled(world, &workloads.job_manager)?;
    let from = world.rollout.spec.request.start_from.from;
    if workloads.job_manager.replicas == 0 {
        if from.needs_no_job() {
            return Ok(build_existing(None, None, workloads, application.spec.high_availability.clone()));
        }
        return Err(refuse_without_start(
            "no job runs (the JobManager has 0 replicas), so no state can be taken from it",
            application,
        ));
    }
    check_replicas(&workloads)?;
    let (Some(jobs), Some(configuration), Some(version)) =
        (&world.flink.jobs, &world.flink.configuration, &world.flink.version)
    else {
        // A person said so by name. One look without an answer does not confirm it.
        if world.rollout.spec.request.start_from.job_manager_is_down && world.flink_is_silent() {
            return Ok(build_existing(None, None, workloads, application.spec.high_availability.clone()));
        }
        return Ok(Assessment::NotAnswered);
    };
    let high_availability = check_ids(&application.spec.high_availability, configuration)?;
    if world.may_hide_a_job(&high_availability.kubernetes_cluster_id) {
        return Ok(Assessment::NotAnswered);
    }
    if from.needs_no_job() && jobs.iter().all(|job| job.state.is_terminal()) {
        return Ok(build_existing(None, Some(version), workloads, high_availability));
    }
    let job = find_running_job(world, jobs, application)?;
    let checkpoints = world.flink.checkpoints.as_ref();
    let last = checkpoints.and_then(|checkpoints| checkpoints.latest.completed.as_ref()).and_then(to_last_checkpoint);
    let restored = checkpoints.and_then(|checkpoints| checkpoints.latest.restored.as_ref()?.external_path.as_ref());
    let has_state = last.is_some() || restored.is_some() || requested_path(world).is_some();
    if !has_state && world.rollout.spec.request.start_from.takes_no_savepoint() {
        return Err(Refusal::new(offers::describe_no_state(&workloads.job_manager.deployment)));
    }
    let running = RunningJob {
        id: job.jid.clone(),
        last_checkpoint: last,
        configuration_digest: Some(configuration_digest(configuration)),
        conditions: find_conditions(world),
        checkpointing: world.flink.checkpoint_configuration.as_ref().map(to_checkpointing),
        restart_strategy: world.flink.restart_strategy.as_deref().map(|text| truncate(text, 1000)),
        parallelism: world.flink.job.as_ref().map(JobDetail::max_parallelism),
        ha_config_map: world
            .ha
            .of_job(&high_availability.kubernetes_cluster_id, &job.jid)
            .map(kube::ResourceExt::name_any),
    };
    check_last_checkpoint(world, &running, configuration, &workloads.job_manager)?;
    check_watch(&application.spec.monitor, running.checkpointing.as_ref())?;
    Ok(build_existing(Some(running), Some(version), workloads, high_availability))
}

/// A watch that is too short for the wanted checkpoints would roll every good version back.
fn check_watch(monitor: &MonitorSettings, checkpointing: Option<&Checkpointing>) -> Result<(), Refusal> {
    let Some(interval) = checkpointing.and_then(|known| known.interval_millis) else { return Ok(()) };
    let needed = checkpointing.map_or(0, |known| watch_seconds_for(known, u64::from(monitor.checkpoints_wanted)));
    let longest = monitor.watch_max_seconds.max(monitor.watch_seconds);
    if needed <= u64::from(longest) {
        return Ok(());
    }
    Err(Refusal::new(format!(
        "{} checkpoints at the job's interval of {} s need a watch of up to {needed} s, and monitor.watchMaxSeconds is {longest} s: raise \
         it, or lower monitor.checkpointsWanted",
        monitor.checkpoints_wanted,
        interval.div_ceil(1000)
    )))
}

fn check_last_checkpoint(
    world: &World,
    job: &RunningJob,
    configuration: &BTreeMap<String, String>,
    job_manager: &WorkloadSnapshot,
) -> Result<(), Refusal> {
    if !world.rollout.spec.request.start_from.takes_no_savepoint() {
        return Ok(());
    }
    refuse_last_checkpoint(job, Some(configuration), &job_manager.deployment)
        .map_or(Ok(()), |why| Err(Refusal::new(why)))
}

fn build_existing(
    job: Option<RunningJob>,
    flink_version: Option<&String>,
    workloads: PerComponent<WorkloadSnapshot>,
    high_availability: HighAvailability,
) -> Assessment {
    Assessment::Existing(Box::new(Current { job, flink_version: flink_version.cloned(), workloads, high_availability }))
}

fn to_last_checkpoint(completed: &Checkpoint) -> Option<LastCheckpoint> {
    let at = Timestamp::from_millisecond(completed.trigger_timestamp).ok()?;
    Some(LastCheckpoint {
        path: completed.external_path.clone()?,
        at: api::time(at),
        size_bytes: Some(completed.state_size),
    })
}

fn refuse_one_missing(application: &FlinkApplication, job_manager_exists: bool) -> Refusal {
    let (there, missing) = if job_manager_exists {
        (&application.spec.job_manager, &application.spec.task_manager)
    } else {
        (&application.spec.task_manager, &application.spec.job_manager)
    };
    Refusal::new(format!(
        "the Deployment {there} is there but {missing} is not: check the names in the FlinkApplication, or restore the missing one"
    ))
}

fn check_not_autoscaled(world: &World, job_manager: &WorkloadSnapshot) -> Result<(), Refusal> {
    let scales = world.autoscalers.iter().find(|autoscaler| autoscaler.deployment == job_manager.deployment);
    let Some(autoscaler) = scales else { return Ok(()) };
    Err(Refusal::new(format!(
        "the HorizontalPodAutoscaler {} scales the JobManager Deployment {}, which must have exactly 1 replica: delete it",
        autoscaler.name, autoscaler.deployment
    )))
}

fn check_replicas(workloads: &PerComponent<WorkloadSnapshot>) -> Result<(), Refusal> {
    let job_manager = &workloads.job_manager;
    if job_manager.replicas != 1 {
        return Err(Refusal::new(format!(
            "the JobManager Deployment {} has {} replicas; Lockkeeper moves applications with exactly 1",
            job_manager.deployment, job_manager.replicas
        )));
    }
    for workload in workloads.iter() {
        if workload.replica_set.is_none() && workload.replicas > 0 {
            return Err(Refusal::new(format!(
                "the live pods of Deployment {} do not belong to exactly one ReplicaSet: wait until its own update is through",
                workload.deployment
            )));
        }
    }
    Ok(())
}

fn check_first_deployment(world: &World, application: &FlinkApplication) -> Result<(), Refusal> {
    let status = application.status.clone().unwrap_or_default();
    if world.rollout.spec.request.start_from.from.needs_no_job() {
        return Ok(());
    }
    if !world.ha.items.is_empty() || !status.revisions.is_empty() || !status.restore_points.is_empty() {
        return Err(refuse_without_start("neither Deployment is there, but the application ran before", application));
    }
    if world.rollout.spec.request.kind == RequestKind::RollBack {
        return Err(Refusal::new("nothing was deployed yet that could be rolled back"));
    }
    Ok(())
}

/// The two HA ids of the application and of Flink's own configuration must be the same, or the wrong metadata would be cleared.
fn check_ids(ours: &HighAvailability, configuration: &BTreeMap<String, String>) -> Result<HighAvailability, Refusal> {
    let get = |key: &str| configuration.get(key).map(String::as_str);
    let kind = get("high-availability.type").or_else(|| get("high-availability")).unwrap_or("NONE");
    if !kind.to_ascii_lowercase().contains("kubernetes") {
        return Err(Refusal::new(format!(
            "Flink runs with high-availability.type {kind}: Lockkeeper needs kubernetes, or a JobManager that restarts begins again from an old state"
        )));
    }
    for (key, wanted) in
        [("kubernetes.cluster-id", &ours.kubernetes_cluster_id), ("high-availability.cluster-id", &ours.cluster_id)]
    {
        let found = get(key).unwrap_or("(not set)");
        if found != wanted {
            return Err(Refusal::new(format!(
                "{key} is {found} in Flink and {wanted} in the FlinkApplication: correct the FlinkApplication"
            )));
        }
    }
    Ok(ours.clone())
}

fn find_running_job<'a>(
    world: &World,
    jobs: &'a [JobOverview],
    application: &FlinkApplication,
) -> Result<&'a JobOverview, Refusal> {
    let start_from = &world.rollout.spec.request.start_from;
    let active: Vec<&JobOverview> = jobs.iter().filter(|job| !job.state.is_terminal()).collect();
    match active.as_slice() {
        [job] if job.state == JobState::Running || start_from.takes_no_savepoint() => Ok(job),
        [job] => Err(Refusal {
            message: format!("the job is {}, not RUNNING: no savepoint can be taken of it", job.state),
            choices: std::iter::once(Choice {
                start_from: StartFrom::plain(StartFromKind::LastCheckpoint),
                cost: "goes on from the last completed checkpoint; what came after it is processed again".to_owned(),
            })
            .chain(offers::offer_without_savepoint(world))
            .collect(),
        }),
        [] => Err(refuse_without_start("Flink runs no job", application)),
        several => {
            Err(Refusal::new(format!("Flink runs {} jobs; Lockkeeper moves clusters with exactly one", several.len())))
        }
    }
}
