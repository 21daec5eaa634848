//! What runs now, judged before anything is planned.

use super::{
    configuration::configuration_digest,
    offers::{self, Refusal, where_from},
    request::requested_path,
    world::World,
};
use crate::{
    api::{
        Before, Choice, FlinkApplication, HighAvailability, RequestKind, StartFrom, StartFromKind, WorkloadSnapshot,
    },
    flink::{JobOverview, JobState},
};

/// What runs now, judged: `Ok(None)` if Flink does not answer yet, the metadata if a rollout may go on from it.
#[allow(clippy::option_option)] // "not yet", "nothing runs" and "this runs" are three answers.
pub fn assess(world: &World, application: &FlinkApplication) -> Result<Option<Option<Before>>, Refusal> {
    let spec = &application.spec;
    let (job_manager, task_manager) = match (
        world.workloads.job_manager.snapshot(),
        world.workloads.task_manager.snapshot(),
    ) {
        (None, None) => return first_deployment(world, application).map(|()| Some(None)),
        (Some(job_manager), Some(task_manager)) => (job_manager, task_manager),
        (jm, _) => {
            let (there, missing) = if jm.is_some() {
                (&spec.job_manager, &spec.task_manager)
            } else {
                (&spec.task_manager, &spec.job_manager)
            };
            return Err(Refusal::new(format!(
                "the Deployment {there} is there but {missing} is not: check the names in the FlinkApplication, or restore the missing one"
            )));
        }
    };
    if let Some(autoscaler) =
        world.autoscalers.iter().find(|autoscaler| autoscaler.deployment == job_manager.deployment)
    {
        return Err(Refusal::new(format!(
            "the HorizontalPodAutoscaler {} scales the JobManager Deployment {}, which must have exactly 1 replica: delete it",
            autoscaler.name, autoscaler.deployment
        )));
    }
    let from = world.rollout.spec.request.start_from.from;
    if job_manager.replicas == 0 {
        return parked(application, from, idle(job_manager, task_manager, spec.high_availability.clone()));
    }
    if job_manager.replicas != 1 {
        return Err(Refusal::new(format!(
            "the JobManager Deployment {} has {} replicas; Lockkeeper moves applications with exactly 1",
            job_manager.deployment, job_manager.replicas
        )));
    }
    for workload in [&job_manager, &task_manager] {
        if workload.replica_set.is_none() && workload.replicas > 0 {
            return Err(Refusal::new(format!(
                "the live pods of Deployment {} do not belong to exactly one ReplicaSet: wait until its own update is through",
                workload.deployment
            )));
        }
    }
    let (Some(jobs), Some(configuration), Some(version)) =
        (&world.flink.jobs, &world.flink.configuration, &world.flink.version)
    else {
        return Ok(None);
    };
    let high_availability = same_ids(&spec.high_availability, configuration)?;
    if from.needs_no_job() && jobs.iter().all(|job| job.state.is_terminal()) {
        let version = Some(version.clone());
        let nothing_runs = Before { flink_version: version, ..idle(job_manager, task_manager, high_availability) };
        return Ok(Some(Some(nothing_runs)));
    }
    let job = running_job(world, jobs, application)?;
    let checkpoints = world.flink.checkpoints.as_ref();
    let last = checkpoints.and_then(|checkpoints| checkpoints.latest.completed.as_ref());
    let restored = checkpoints.and_then(|checkpoints| checkpoints.latest.restored.as_ref());
    let known = last.and_then(|last| last.external_path.as_ref());
    let stateless = known.or(restored.and_then(|it| it.external_path.as_ref())).is_none();
    let nothing_to_return_to = stateless && requested_path(world).is_none();
    if nothing_to_return_to && world.rollout.spec.request.start_from.takes_no_savepoint() {
        return Err(Refusal::new(offers::no_state(&job_manager.deployment)));
    }
    Ok(Some(Some(Before {
        job_id: Some(job.jid.clone()),
        flink_version: Some(version.clone()),
        job_manager,
        task_manager,
        last_checkpoint: last.and_then(|last| last.external_path.clone()),
        last_checkpoint_at: last
            .and_then(|last| jiff::Timestamp::from_millisecond(last.trigger_timestamp).ok())
            .map(crate::api::time),
        high_availability,
        configuration_digest: Some(configuration_digest(configuration)),
    })))
}

fn first_deployment(world: &World, application: &FlinkApplication) -> Result<(), Refusal> {
    let status = application.status.clone().unwrap_or_default();
    if world.rollout.spec.request.start_from.from.needs_no_job() {
        return Ok(());
    }
    if !world.ha.items.is_empty() || !status.revisions.is_empty() || !status.restore_points.is_empty() {
        return Err(where_from("neither Deployment is there, but the application ran before", application));
    }
    if world.rollout.spec.request.kind == RequestKind::RollBack {
        return Err(Refusal::new("nothing was deployed yet that could be rolled back"));
    }
    Ok(())
}

/// An application that runs no job.
fn idle(job_manager: WorkloadSnapshot, task_manager: WorkloadSnapshot, high_availability: HighAvailability) -> Before {
    Before {
        job_id: None,
        flink_version: None,
        job_manager,
        task_manager,
        last_checkpoint: None,
        last_checkpoint_at: None,
        high_availability,
        configuration_digest: None,
    }
}

#[allow(clippy::option_option)]
fn parked(
    application: &FlinkApplication,
    from: StartFromKind,
    before: Before,
) -> Result<Option<Option<Before>>, Refusal> {
    if from.needs_no_job() {
        return Ok(Some(Some(before)));
    }
    Err(where_from("no job runs (the JobManager has 0 replicas), so no state can be taken from it", application))
}

/// The two HA ids of the application and of Flink's own configuration must be the same, or the wrong metadata would be cleared.
fn same_ids(
    ours: &HighAvailability,
    configuration: &std::collections::BTreeMap<String, String>,
) -> Result<HighAvailability, Refusal> {
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

fn running_job<'a>(
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
            .chain(offers::offer_to_give_up(world))
            .collect(),
        }),
        [] => Err(where_from("Flink runs no job", application)),
        several => {
            Err(Refusal::new(format!("Flink runs {} jobs; Lockkeeper moves clusters with exactly one", several.len())))
        }
    }
}
