//! The signs that Flink shows about the started job, and what it means if Flink does not answer.

use super::{
    reason::{failure_reason, may_still_name_reason},
    sign::{Observed, Sign},
};
use crate::{
    api::{ConditionKind, FlinkRolloutStatus, StartedJob},
    cluster::Workload,
    flink::{JobDetail, JobState},
    rollout::{
        known_conditions::{describe_missing_task_managers, known_condition},
        world::World,
    },
};

/// Somebody else changed a Deployment after this rollout wrote it.
pub(crate) fn find_foreign_change(world: &World, job: &StartedJob) -> Option<Observed> {
    let written = job.templates.as_ref()?;
    let changed = world.workloads.iter().zip(written.iter()).find_map(|(workload, written)| {
        let digest = workload.deployment_template_digest();
        (digest.as_ref() != Some(written)).then_some(workload)
    })?;
    Some(Observed::once(Sign::ForeignChange, describe_change(changed)))
}

fn describe_change(workload: &Workload) -> String {
    let Some(snapshot) = workload.snapshot() else {
        return "a Deployment that this rollout wrote was deleted".to_owned();
    };
    let by = workload.last_foreign_manager().map_or_else(String::new, |manager| format!(" by {manager}"));
    format!("the pod template of Deployment {} was changed{by} after this rollout wrote it", snapshot.deployment)
}

/// Flink runs another job than the one that was started.
pub(crate) fn find_other_job(world: &World, job: &StartedJob) -> Option<Observed> {
    let jobs = world.flink.jobs.as_ref()?;
    let other = jobs.iter().find(|other| other.jid != job.job_id && !other.state.is_terminal())?;
    let text = format!("Flink runs the job {} instead of {}: its start options were not taken", other.jid, job.job_id);
    Some(Observed::once(Sign::OtherJob, text))
}

/// How the job ended. It is absent for a moment while the reason of a FAILED job is not known yet.
pub(crate) fn find_job_end(world: &World) -> Option<Observed> {
    let detail = world.flink.job.as_ref().filter(|detail| detail.state.is_terminal())?;
    let reason = failure_reason(world);
    match detail.state {
        JobState::Finished => {
            Some(Observed::once(Sign::JobEnded, "the job FINISHED although a running application was deployed"))
        }
        JobState::Failed if reason.is_none() && has_just_failed(detail) => None,
        state => {
            let sign = if state == JobState::Failed { Sign::JobFailed } else { Sign::JobEnded };
            let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
            Some(Observed::once(sign, format!("the job is {state}{reason}")))
        }
    }
}

/// Whether the job failed within the last seconds, by Flink's own clock.
fn has_just_failed(detail: &JobDetail) -> bool {
    detail.timestamps.get("FAILED").is_some_and(|at| may_still_name_reason(detail.now - at))
}

/// What it means that Flink does not answer.
pub(crate) fn find_silence(world: &World) -> Option<Observed> {
    if world.flink.jobs.is_some() && world.flink.unknown.is_none() {
        return None;
    }
    let why = world.flink.unknown.as_deref().unwrap_or("no answer");
    Some(if world.workloads.job_manager.has_ready_pod() {
        Observed::once(Sign::Silence, format!("Flink does not answer, although its JobManager's pod is Ready: {why}"))
    } else {
        Observed::once(Sign::NoReadyJobManager, "no pod of the JobManager is Ready yet")
    })
}

/// What is missing until the job runs whole.
pub(crate) fn find_unfinished_start(world: &World, job: &StartedJob) -> Option<Observed> {
    world.flink.jobs.as_ref()?;
    let Some(detail) = &world.flink.job else {
        let text = format!("Flink shows no job {} yet; look at the log of the JobManager's pod", job.job_id);
        return Some(Observed::once(Sign::JobNotListed, text));
    };
    let stuck = detail.not_running().join(", ");
    if !detail.runs_whole() {
        let reason = failure_reason(world).map_or_else(String::new, |reason| format!("; {reason}"));
        return Some(if detail.has_initializing_task() {
            Observed::once(Sign::TasksInitializing, format!("tasks are INITIALIZING: {stuck}{reason}"))
        } else {
            Observed::once(
                Sign::TasksNotRunning,
                format!("not RUNNING: {stuck}{}{reason}", describe_slots(world, detail)),
            )
        });
    }
    let path = job.start_path.as_ref().map_or("an empty start", |path| path.as_str());
    job.restored_at
        .is_none()
        .then(|| Observed::once(Sign::RestoreNotProven, format!("Flink does not show yet what it restored: {path}")))
}

/// The adaptive scheduler has started the job on fewer slots than before the rollout, and TaskManagers are missing that could offer more.
pub(crate) fn find_lower_parallelism(world: &World, status: &FlinkRolloutStatus) -> Option<Observed> {
    let started = status.job.as_ref()?;
    let before = parallelism_before(status)?;
    let now = world.flink.job.as_ref().filter(|detail| detail.runs_whole())?.max_parallelism();
    let were_missing = known_condition(status, ConditionKind::TaskManagersMissing).is_some();
    let missing = describe_missing_task_managers(&world.workloads.task_manager)?;
    (started.adaptive && !were_missing && now < before).then(|| {
        Observed::once(Sign::LowerParallelism, format!("runs at parallelism {now}, before it was {before}; {missing}"))
    })
}

/// The parallelism of the job's widest vertex before the rollout.
pub(crate) fn parallelism_before(status: &FlinkRolloutStatus) -> Option<u32> {
    status.plan.as_ref()?.current.as_ref()?.job.as_ref()?.parallelism
}

fn describe_slots(world: &World, detail: &JobDetail) -> String {
    world.flink.slots.map_or_else(String::new, |(total, free)| {
        let wanted = detail.max_parallelism();
        format!("; the job needs {wanted} slots, the TaskManagers offer {total}, {free} of them free")
    })
}
