//! Verify: proves that the job was restored from exactly its start state, and that every task runs.

use jiff::SignedDuration;

use crate::{
    api::{Direction, FlinkRolloutStatus, Stage, StageOutcome, StartFromKind, StartedJob, Watch},
    flink::{Checkpoints, JobDetail, JobState},
    rollout::{
        configuration::{is_adaptive, to_checkpointing},
        effect::{POLL_FAST, Step},
        health::{
            Observed, Sign, conclude, find_failure, find_foreign_change, find_job_end, find_job_manager_end,
            find_lower_parallelism, find_other_job, find_pod_signs, find_silence, find_unfinished_start,
            newest_exception_time, parallelism_before, record_end, waits_for_log, waits_out,
        },
        needs::{FlinkQuestions, Needs},
        transition::{StatusExt as _, turn_back_or_halt},
        world::World,
    },
};

/// How long a job runs at least before a missing restore is believed.
const MIN_RUNNING: SignedDuration = SignedDuration::from_secs(10);

pub(super) const NEEDS: Needs = Needs {
    warnings: true,
    flink: FlinkQuestions::StartedJob { refresh_interval: false },
    logs: true,
    ..Needs::CLUSTER
};

pub(super) fn next_step(world: &World) -> Step {
    let mut status = world.status();
    let Some(job) = status.job.clone() else {
        return Step::record(turn_back_or_halt(world, status, "the record of the started job is gone"));
    };
    if waits_for_log(world) {
        return Step::Wait(POLL_FAST);
    }
    if let Some(next) = record_end(world, &status) {
        return Step::record(next);
    }
    let proof = prove_restore(world, &job);
    let signs = find_signs(world, &job, &proof);
    if let Some(failure) = find_failure(&signs, status.direction) {
        return conclude(world, status, failure.sign, &failure.text);
    }
    if let (Proof::Yes, None, Some(checkpoints)) = (&proof, &job.restored_at, &world.flink.checkpoints) {
        status.watch = Some(Watch {
            restored: checkpoints.counts.restored,
            newest_exception: newest_exception_time(world),
            ..Watch::default()
        });
        let adaptive = world.flink.configuration.as_ref().is_some_and(is_adaptive);
        let checkpointing = world.flink.checkpoint_configuration.as_ref().map(to_checkpointing);
        status.job = Some(StartedJob { restored_at: Some(world.time()), adaptive, checkpointing, ..job });
        return Step::record(status);
    }
    match (&world.flink.job, &world.flink.checkpoints) {
        (Some(detail), Some(checkpoints))
            if detail.runs_whole() && job.restored_at.is_some() && !waits_for_parallelism(world, &signs) =>
        {
            enter_monitor(world, status, job, detail, checkpoints)
        }
        _ => waits_out(world, status, &job, &signs),
    }
}

/// All that is not as it should be, in the order of judgement.
fn find_signs(world: &World, job: &StartedJob, proof: &Proof) -> Vec<Observed> {
    let disproof = match proof {
        Proof::No(sign, why) => Some(Observed::once(*sign, why)),
        Proof::Yes | Proof::NotYet => None,
    };
    let runs_whole = world.job_runs_whole();
    // A surplus pod, or a node that cannot pull, does not matter to a job whose tasks all run.
    let pods = if runs_whole { Vec::new() } else { find_pod_signs(world) };
    let mut signs: Vec<Observed> = [find_foreign_change(world, job), disproof, find_other_job(world, job)]
        .into_iter()
        .chain([find_job_end(world), find_job_manager_end(world, job)])
        .chain(pods.into_iter().map(Some))
        .chain([find_silence(world), find_unfinished_start(world, job), find_lower_parallelism(world, &world.status())])
        .flatten()
        .collect();
    signs.sort_by_key(|sign| sign.sign);
    signs
}

/// The adaptive scheduler would also run on one of ten TaskManagers. The others have time until the deadline.
fn waits_for_parallelism(world: &World, signs: &[Observed]) -> bool {
    !world.is_past_deadline() && signs.iter().any(|sign| sign.sign == Sign::LowerParallelism)
}

fn enter_monitor(
    world: &World,
    mut status: FlinkRolloutStatus,
    job: StartedJob,
    detail: &JobDetail,
    checkpoints: &Checkpoints,
) -> Step {
    let start = job
        .start_path
        .as_ref()
        .map_or_else(|| "started empty, as asked".to_owned(), |path| format!("restored from {path}"));
    let now = detail.max_parallelism();
    let parallelism = match parallelism_before(&status).filter(|before| *before != now) {
        Some(before) => format!("parallelism {now} (before the rollout {before})"),
        None => format!("parallelism {now}"),
    };
    let images = describe_other_images(world, &status);
    let evidence = format!("{start}; every task is RUNNING, at {parallelism}{images}");
    status.downtime_millis =
        status.restore_point.as_ref().map(|point| world.now.as_millisecond() - point.at.0.as_millisecond());
    status.watch = Some(Watch {
        settling_since: Some(world.time()),
        restored: checkpoints.counts.restored,
        newest_exception: newest_exception_time(world),
        failed: checkpoints.counts.failed,
        job_started: world.job_started(),
        ..Watch::default()
    });
    status.job = Some(StartedJob { running_at: Some(world.time()), ..job });
    status.advance(world, StageOutcome::Done, &evidence, Stage::Monitor);
    Step::record(status)
}

/// Tells that a tag points to another image than before. A `ReplicaSet` names the tag, not the image.
fn describe_other_images(world: &World, status: &FlinkRolloutStatus) -> String {
    let before = status.plan.as_ref().and_then(|plan| plan.current.as_ref()).map(|current| &current.workloads);
    let Some(before) = before.filter(|_| status.direction == Direction::Back) else { return String::new() };
    let others = world.workloads.iter().zip(before.iter()).filter_map(|(live, before)| {
        let live = live.snapshot()?;
        let differs = !live.image_ids.is_empty() && live.image_ids != before.image_ids;
        differs.then(|| {
            format!("; the images of {} are not those that ran before: {}", live.deployment, live.image_ids.join(", "))
        })
    });
    others.collect()
}

enum Proof {
    Yes,
    No(Sign, String),
    NotYet,
}

fn prove_restore(world: &World, job: &StartedJob) -> Proof {
    let (Some(detail), Some(checkpoints)) = (&world.flink.job, &world.flink.checkpoints) else { return Proof::NotYet };
    if job.restored_at.is_some() {
        return Proof::Yes;
    }
    if detail.state.is_terminal() {
        return Proof::NotYet;
    }
    let path = checkpoints.latest.restored.as_ref().and_then(|restored| restored.external_path.as_ref());
    match (&job.start_path, path) {
        (None, None) if detail.state == JobState::Running && empty_start_asked_for(world) => Proof::Yes,
        (None, None) if has_run_for_long(world, detail) => {
            Proof::No(Sign::RunsEmpty, "the job runs empty, which nobody asked for".to_owned())
        }
        (Some(wanted), Some(found)) if wanted.is_same_place(found) => Proof::Yes,
        // The job restarted before the first look. Flink then names a checkpoint of the new job, and the log of the first container
        // decides.
        (Some(wanted), Some(found)) if checkpoints.counts.restored > 1 || found.contains(&*job.job_id) => {
            match &world.logged_start {
                Some(logged) if logged.is_same_place(wanted) => Proof::Yes,
                Some(logged) => disprove(format!("the job was started from {logged} instead of {wanted}")),
                None => Proof::NotYet,
            }
        }
        (Some(wanted), Some(found)) => disprove(format!("the job was restored from {found} instead of {wanted}")),
        (Some(wanted), None) if has_run_for_long(world, detail) && detail.runs_whole() => {
            Proof::No(Sign::RunsEmpty, format!("the job runs empty: it was not restored from {wanted}"))
        }
        (None, Some(found)) => {
            disprove(format!("the job was restored from {found} although an empty start was asked for"))
        }
        _ => Proof::NotYet,
    }
}

/// Whether the job has been RUNNING for so long that Flink's answer about its restore is not an older one from its cache.
///
/// With the adaptive scheduler, a job is restored only when it gets its resources (seen on Flink 2.2.1).
fn has_run_for_long(world: &World, detail: &JobDetail) -> bool {
    let since = detail.timestamps.get("RUNNING").copied().unwrap_or_default();
    let longest = world.flink.max_cache_age().max(MIN_RUNNING);
    detail.state == JobState::Running && i128::from(detail.now - since) >= longest.as_millis()
}

fn disprove(why: String) -> Proof {
    Proof::No(Sign::RestoreDisproved, why)
}

/// An empty start is right only if a person asked for it by name, or at a first deployment.
fn empty_start_asked_for(world: &World) -> bool {
    let by_name = world.rollout.spec.request.start_from.from == StartFromKind::Nothing;
    by_name || world.plan().is_some_and(|plan| plan.first_deployment)
}
