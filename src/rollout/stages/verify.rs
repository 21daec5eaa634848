//! Verify: proves that the job was restored from exactly its start state, and that every vertex runs.

use crate::{
    api::{FlinkRolloutStatus, JobId, Stage, StageOutcome, StartFromKind, StartedJob, Watch},
    cluster::{PodFailure, pod_failure, pod_wait},
    flink::{Checkpoints, JobDetail, JobState},
    rollout::{
        effect::{POLL_FAST, Step},
        health::{describe_end, failure_reason, job_manager_failure, newest_exception_time, waits_for_log},
        needs::{FlinkQuestions, Needs},
        transition::{StatusExt as _, fail, start_deadline_seconds},
        world::World,
    },
};

pub(super) const NEEDS: Needs = Needs {
    warnings: true,
    flink: FlinkQuestions::StartedJob { refresh_interval: false },
    logs: true,
    ..Needs::CLUSTER
};

pub(super) fn next_step(world: &World) -> Step {
    let mut status = world.status();
    let Some(job) = status.job.clone() else { return fail(world, status, "the record of the started job is gone") };
    if waits_for_log(world) {
        return Step::Wait(POLL_FAST);
    }
    if let Some(failure) = job_manager_failure(world) {
        return fail(world, status, &failure);
    }
    if let Some(failure @ PodFailure::CannotStart { .. }) = pod_failure(&world.workloads.task_manager) {
        return fail(world, status, &failure.sentence());
    }
    if let Some(other) = find_other_job(world, &job) {
        return fail(
            world,
            status,
            &format!("Flink runs the job {other} instead of {}: its start options were not taken", job.job_id),
        );
    }
    match (&world.flink.job, &world.flink.checkpoints) {
        (Some(detail), _) if detail.state.is_terminal() => match describe_end(world, detail) {
            Some(why) => fail(world, status, &why),
            None => wait_or_fail(world, status),
        },
        (Some(detail), Some(checkpoints)) if job.restored_at.is_none() => {
            match prove_restore(world, &job, checkpoints, detail) {
                Proof::Yes => {
                    let watch = Watch {
                        restored: checkpoints.counts.restored,
                        newest_exception: newest_exception_time(world),
                        ..Watch::default()
                    };
                    status.watch = Some(watch);
                    status.job = Some(StartedJob { restored_at: Some(world.time()), ..job });
                    Step::record(status)
                }
                Proof::No(why) => fail(world, status, &why),
                Proof::NotYet => wait_or_fail(world, status),
            }
        }
        (Some(detail), Some(checkpoints)) if detail.runs_whole() => enter_monitor(world, status, job, checkpoints),
        _ => wait_or_fail(world, status),
    }
}

fn enter_monitor(world: &World, mut status: FlinkRolloutStatus, job: StartedJob, checkpoints: &Checkpoints) -> Step {
    let evidence = job
        .start_path
        .as_ref()
        .map_or_else(|| "started empty, as asked".to_owned(), |path| format!("restored from {path}"));
    status.downtime_millis =
        status.restore_point.as_ref().map(|point| world.now.as_millisecond() - point.at.0.as_millisecond());
    status.watch = Some(Watch {
        settling_since: Some(world.time()),
        restored: checkpoints.counts.restored,
        newest_exception: newest_exception_time(world),
        ..Watch::default()
    });
    status.job = Some(StartedJob { running_at: Some(world.time()), ..job });
    status.advance(world, StageOutcome::Done, &format!("{evidence}; every vertex is RUNNING"), Stage::Monitor);
    Step::record(status)
}

enum Proof {
    Yes,
    No(String),
    NotYet,
}

fn prove_restore(world: &World, job: &StartedJob, checkpoints: &Checkpoints, detail: &JobDetail) -> Proof {
    let path = checkpoints.latest.restored.as_ref().and_then(|restored| restored.external_path.as_ref());
    match (&job.start_path, path) {
        (None, None) if detail.state == JobState::Running && empty_start_asked_for(world) => Proof::Yes,
        (None, None) if detail.state == JobState::Running => {
            Proof::No("the job runs empty, which nobody asked for".to_owned())
        }
        (Some(wanted), Some(found)) if wanted.is_same_place(found) => Proof::Yes,
        // The job restarted before the first look. Flink then names a checkpoint of the new job, and the log of the first container
        // decides.
        (Some(wanted), Some(found)) if checkpoints.counts.restored > 1 || found.contains(&*job.job_id) => {
            match &world.logged_start {
                Some(logged) if logged.is_same_place(wanted) => Proof::Yes,
                Some(logged) => Proof::No(format!("the job was started from {logged} instead of {wanted}")),
                None => Proof::NotYet,
            }
        }
        (Some(wanted), Some(found)) => Proof::No(format!("the job was restored from {found} instead of {wanted}")),
        (Some(wanted), None)
            if detail.state == JobState::Running
                && detail.vertices.iter().all(crate::flink::Vertex::is_running_or_finished) =>
        {
            Proof::No(format!("the job runs empty: it was not restored from {wanted}"))
        }
        (None, Some(found)) => {
            Proof::No(format!("the job was restored from {found} although an empty start was asked for"))
        }
        _ => Proof::NotYet,
    }
}

/// An empty start is right only if a person asked for it by name, or at a first deployment.
fn empty_start_asked_for(world: &World) -> bool {
    let by_name = world.rollout.spec.request.start_from.from == StartFromKind::Nothing;
    by_name || world.plan().is_some_and(|plan| plan.first_deployment)
}

fn find_other_job(world: &World, job: &StartedJob) -> Option<JobId> {
    let jobs = world.flink.jobs.as_ref()?;
    jobs.iter().find(|other| other.jid != job.job_id && !other.state.is_terminal()).map(|other| other.jid.clone())
}

fn wait_or_fail(world: &World, status: FlinkRolloutStatus) -> Step {
    let waiting = world.workloads.iter().find_map(pod_wait);
    if !world.is_past_deadline() {
        return show_wait(status, waiting.unwrap_or_default());
    }
    let waiting = waiting.map_or_else(String::new, |waiting| format!("; {waiting}"));
    let seconds = start_deadline_seconds(&status);
    let why = match &world.flink.job {
        None => format!(
            "Flink shows no job {} within {seconds} s: {}{waiting}",
            status.job.as_ref().map_or("", |job| &*job.job_id),
            world.flink.unknown.as_deref().unwrap_or("look at the log of the JobManager's pod")
        ),
        Some(detail) => {
            let stuck = detail.not_running();
            let slots = world.flink.slots.map_or_else(String::new, |(total, free)| {
                let wanted = detail.vertices.iter().map(|vertex| vertex.parallelism).max().unwrap_or(0);
                format!("; the job needs {wanted} slots, the TaskManagers offer {total}, {free} of them free")
            });
            let reason = failure_reason(world).map_or_else(String::new, |reason| format!("; {reason}"));
            format!("not RUNNING within {seconds} s: {}{slots}{waiting}{reason}", stuck.join(", "))
        }
    };
    fail(world, status, &why)
}

/// Shows in the status what the start waits for.
fn show_wait(mut status: FlinkRolloutStatus, message: String) -> Step {
    if status.message == message {
        return Step::Wait(POLL_FAST);
    }
    status.message = message;
    Step::record(status)
}
