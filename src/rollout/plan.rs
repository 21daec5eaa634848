//! Plan: everything that can fail is found out here, before the stop.

use std::time::Duration;

use kube::ResourceExt as _;

use super::{Decision, Effect, end, last_checkpoint, progress::StatusExt as _, savepoint, world::World};
use crate::{
    api::{
        Before, Choice, FlinkApplication, HighAvailability, RequestKind, Stage, StageOutcome, StartFrom, StartFromKind,
        WorkloadSnapshot,
    },
    flink::{JobOverview, JobState},
};

/// Why a rollout is refused at Plan, and what may be asked for instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason, and what to do.
    pub message: String,
    /// Other rollouts that would be possible, each with its cost.
    pub choices: Vec<Choice>,
}

impl Refusal {
    /// Without other choices.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), choices: Vec::new() }
    }
}

pub(super) fn decide(world: &World) -> Decision {
    let status = world.status();
    let Some(application) = &world.application else {
        let name = &world.rollout.spec.request.application;
        let why = format!(
            "there is no FlinkApplication {name} in this namespace: `kubectl get flinkapplications` shows those that are, or apply it first"
        );
        return end::untouched(world, &why, Vec::new());
    };
    if status.stages.is_empty() {
        let mut status = status;
        status.enter(world, Stage::Plan);
        return Decision::record(status);
    }
    if status.revision.is_none() {
        if application.metadata.deletion_timestamp.is_some() {
            let why = format!("the FlinkApplication {} is being deleted", world.rollout.spec.request.application);
            return end::untouched(world, &why, Vec::new());
        }
        if let Some(other) = &world.shared_with {
            let why = format!(
                "the FlinkApplication {other} names the same Deployment or kubernetes.cluster-id: no Deployment may belong to two \
                 applications. Correct one of them"
            );
            return end::untouched(world, &why, Vec::new());
        }
        return claim(world);
    }
    if let Some(plan) = &status.plan {
        let mut status = status.clone();
        let evidence =
            format!("plan {} with {} changes", &plan.digest[..plan.digest.len().min(12)], plan.changes.len());
        status.advance(world, StageOutcome::Done, &evidence, Stage::Approve);
        return Decision::record(status);
    }
    if let Some(refusal) = request_refused(world, application) {
        return end::untouched(world, &refusal, Vec::new());
    }
    match assess(world, application) {
        Err(refusal) => end::untouched(world, &refusal.message, refusal.choices),
        Ok(None) if world.past_deadline() => {
            let why = world.flink.unknown.clone().unwrap_or_else(|| "no answer".to_owned());
            end::untouched(
                world,
                &format!("Flink's REST API gives no answer: {why}. Check the REST Service and the JobManager's pod"),
                Vec::new(),
            )
        }
        Ok(None) => Decision::Wait(Duration::from_millis(500)),
        Ok(Some(_)) if world.past_deadline() => {
            let trouble = status.operation("plan").and_then(|operation| operation.trouble.clone()).unwrap_or_default();
            end::untouched(world, &format!("the plan could not be made in time: {trouble}"), Vec::new())
        }
        Ok(Some(_)) => Decision::act("plan", Effect::Plan),
    }
}

fn claim(world: &World) -> Decision {
    let ours = world.uid();
    match &world.claim {
        Some(holder) if holder.uid != ours && holder.stale => {
            Decision::act("release-stale-claim", Effect::ReleaseStaleClaim { uid: holder.uid.clone() })
        }
        Some(holder) if holder.uid != ours => {
            let goes_first = world.rollout.spec.request.kind == RequestKind::RollBack && holder.waits_for_approval;
            if goes_first && !world.past_deadline() {
                return Decision::Wait(Duration::from_millis(500));
            }
            end::untouched(
                world,
                &format!("busy: the rollout {} is active; wait for its end or abort it", holder.name),
                Vec::new(),
            )
        }
        _ => Decision::act("claim", Effect::Claim),
    }
}

fn request_refused(world: &World, application: &FlinkApplication) -> Option<String> {
    let request = &world.rollout.spec.request;
    if request.start_from.from == StartFromKind::RestorePoint && super::start::requested_path(world).is_none() {
        let known = application.status.as_ref().map(|status| status.restore_points.as_slice()).unwrap_or_default();
        let known: Vec<&str> = known.iter().map(|point| point.name.as_str()).collect();
        let wanted = request.start_from.value.as_deref().unwrap_or_default();
        return Some(format!("there is no restore point {wanted}; known are: {}", known.join(", ")));
    }
    unknown_version(application, request.version.as_deref()?)
}

/// Why a version cannot be asked for, where the application lists those that exist.
#[must_use]
pub fn unknown_version(application: &FlinkApplication, version: &str) -> Option<String> {
    let known = application.spec.versions.as_ref()?;
    if known.iter().any(|name| name == version) {
        return None;
    }
    // The newest are listed last.
    let newest: Vec<&str> = known.iter().rev().take(5).map(String::as_str).collect();
    let hint = match crate::text::nearest(version, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None if newest.is_empty() => "it lists none".to_owned(),
        None => format!("the last ones listed are {}", newest.join(", ")),
    };
    Some(format!("{version} is not among the versions of {}: {hint}", application.name_any()))
}

/// What runs now, judged: `Ok(None)` if Flink does not answer yet, the metadata if a rollout may go on from it.
#[allow(clippy::option_option)] // "not yet", "nothing runs" and "this runs" are three answers.
pub fn assess(world: &World, application: &FlinkApplication) -> Result<Option<Option<Before>>, Refusal> {
    let spec = &application.spec;
    let (job_manager, task_manager) = match (world.job_manager.snapshot(), world.task_manager.snapshot()) {
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
    let nothing_to_return_to = stateless && super::start::requested_path(world).is_none();
    if nothing_to_return_to && world.rollout.spec.request.start_from.takes_no_savepoint() {
        return Err(Refusal::new(last_checkpoint::no_state(&job_manager.deployment)));
    }
    Ok(Some(Some(Before {
        job_id: Some(job.jid.clone()),
        flink_version: Some(version.clone()),
        job_manager,
        task_manager,
        last_checkpoint: last.and_then(|last| last.external_path.clone()),
        last_checkpoint_at: last
            .and_then(|last| jiff::Timestamp::from_millisecond(last.trigger_timestamp).ok())
            .map(super::progress::k8s_time),
        high_availability,
        configuration_digest: Some(savepoint::configuration_digest(configuration)),
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

/// Without a running job somebody has to say where to start from: the newest restore point is the first to offer.
fn where_from(what: &str, application: &FlinkApplication) -> Refusal {
    let points = application.status.as_ref().map(|status| status.restore_points.as_slice()).unwrap_or_default();
    let Some(newest) = points.last() else {
        return Refusal {
            message: format!("{what}. No restore point is known: say where to start from, a path or nothing"),
            choices: vec![end::from_nothing()],
        };
    };
    let choice = Choice {
        start_from: StartFrom::restore_point(&newest.name),
        cost: format!("{}, taken at {}; what was emitted after it is emitted again", newest.path, newest.at.0),
    };
    Refusal {
        message: format!(
            "{what}. Its newest restore point is {} ({}): ask for it with startFrom RestorePoint",
            newest.name, newest.path
        ),
        choices: vec![choice],
    }
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
            .chain(last_checkpoint::offer_to_give_up(world))
            .collect(),
        }),
        [] => Err(where_from("Flink runs no job", application)),
        several => {
            Err(Refusal::new(format!("Flink runs {} jobs; Lockkeeper moves clusters with exactly one", several.len())))
        }
    }
}
