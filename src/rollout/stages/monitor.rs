//! Monitor: lets the job settle, then watches its counters.
//!
//! The state of a job says little: a job in a crash loop is RUNNING most of the time.

mod checkpoints;
mod counters;
mod probes;

use jiff::SignedDuration;

use crate::{
    api::{Direction, FlinkRolloutStatus, MonitorSettings, ResultKind, StartedJob, Watch},
    flink::JobDetail,
    rollout::{
        effect::{POLL_FAST, POLL_SLOW, Step},
        health::{
            Observed, Sign, conclude, failure_reason, find_deciding, find_failure, find_foreign_change, find_job_end,
            find_job_manager_end, find_pod_signs, find_silence, record_end, show_sign, silence_counts, waits_for_log,
        },
        needs::{FlinkQuestions, Needs},
        transition::{WATCH_SLACK, end_after, turn_back_or_halt},
        world::World,
    },
};
use checkpoints::WantedCheckpoints;

pub(super) const NEEDS: Needs = Needs {
    warnings: true,
    flink: FlinkQuestions::StartedJob { refresh_interval: true },
    logs: true,
    probes: true,
    ..Needs::CLUSTER
};

pub(super) fn next_step(world: &World) -> Step {
    let status = world.status();
    let (Some(plan), Some(watch), Some(job)) = (status.plan.clone(), status.watch.clone(), status.job.clone()) else {
        return Step::record(turn_back_or_halt(world, status, "the record of the watch is gone"));
    };
    if waits_for_log(world) {
        return Step::Wait(POLL_FAST);
    }
    if let Some(next) = record_end(world, &status) {
        return Step::record(next);
    }
    let settings = &plan.settings.monitor;
    let wanted = WantedCheckpoints::of(&plan, &job);
    if let Some(next) = counters::follow_recovery(world, &watch) {
        return Step::record(begin_settling(world, status, next, settings));
    }
    let next = counters::update_watch(world, &watch, settings);
    let mut signs = find_signs(world, &job, &next, settings);
    signs.extend(wanted.find_in_progress(world, &next));
    if let Some(failure) = find_failure(&signs, status.direction) {
        return conclude(world, status, failure.sign, &failure.text);
    }
    if watch.watching_since.is_none() && next.watching_since.is_some() {
        return Step::record(begin_watch(world, status, next, &wanted));
    }
    if let Some(end) = end_of_watch(world, &status, &next, settings, &wanted) {
        return end;
    }
    if wanted.may_wait_longer(world, &next) && is_deadline_near(world, &status) {
        return Step::record(FlinkRolloutStatus { deadline: Some(deadline_in(world, WATCH_SLACK)), ..status });
    }
    if world.is_past_deadline() {
        return give_up_waiting(world, status, &next, &signs, settings);
    }
    show(world, &status, next, &signs, &wanted)
}

/// All that is not as it should be, in the order of judgement.
fn find_signs(world: &World, job: &StartedJob, watch: &Watch, settings: &MonitorSettings) -> Vec<Observed> {
    let runs_whole = world.job_runs_whole();
    let pods = if runs_whole { Vec::new() } else { find_pod_signs(world) };
    let mut signs: Vec<Observed> = [find_foreign_change(world, job), find_job_end(world)]
        .into_iter()
        .chain([find_job_manager_end(world, job), counters::find_restarts(world, watch, settings)])
        .chain([probes::find_failing(world, watch, settings)])
        .chain(pods.into_iter().map(Some))
        .chain([find_silence(world), find_stuck_tasks(world), probes::find_silent(world, watch, settings)])
        .flatten()
        .collect();
    signs.sort_by_key(|sign| sign.sign);
    signs
}

fn find_stuck_tasks(world: &World) -> Option<Observed> {
    let down = world.flink.job.as_ref().map(JobDetail::not_running).filter(|down| !down.is_empty())?;
    let reason = failure_reason(world).map_or_else(String::new, |reason| format!(": {reason}"));
    Some(Observed::once(Sign::TasksNotRunning, format!("not RUNNING any more: {}{reason}", down.join(", "))))
}

/// Lets the job settle again, because another JobManager has recovered it. Its counters began anew.
fn begin_settling(
    world: &World,
    mut status: FlinkRolloutStatus,
    watch: Watch,
    settings: &MonitorSettings,
) -> FlinkRolloutStatus {
    let seconds = i64::from(settings.stabilise_seconds) + i64::from(settings.watch_seconds);
    status.deadline = Some(deadline_in(world, SignedDuration::from_secs(seconds) + WATCH_SLACK));
    status.message = String::from("another JobManager has recovered the job: it settles again");
    status.watch = Some(watch);
    status
}

/// Begins the watch, with a deadline of its own, because settling may have taken long.
fn begin_watch(
    world: &World,
    mut status: FlinkRolloutStatus,
    watch: Watch,
    wanted: &WantedCheckpoints,
) -> FlinkRolloutStatus {
    status.deadline = Some(deadline_in(world, wanted.watch + WATCH_SLACK));
    status.message = describe_watch(&watch, wanted);
    status.watch = Some(watch);
    status.waiting = None;
    status
}

fn deadline_in(world: &World, time: SignedDuration) -> crate::api::Time {
    crate::api::time(world.now.checked_add(time).unwrap_or(jiff::Timestamp::MAX))
}

fn is_deadline_near(world: &World, status: &FlinkRolloutStatus) -> bool {
    status.deadline.as_ref().is_some_and(|deadline| deadline.0.duration_since(world.now) < WATCH_SLACK / 2)
}

/// The step at the end of the watch. There is none while the watch goes on, or while the job cannot be observed.
fn end_of_watch(
    world: &World,
    status: &FlinkRolloutStatus,
    watch: &Watch,
    settings: &MonitorSettings,
    wanted: &WantedCheckpoints,
) -> Option<Step> {
    let watched = world.now.duration_since(watch.watching_since.as_ref()?.0);
    let is_seen = world.job_runs_whole()
        && world.flink.checkpoints.is_some()
        && probes::find_silent(world, watch, settings).is_none()
        && watch.probe_failures.values().all(|failures| *failures == 0);
    if watched < wanted.watch || !is_seen {
        return None;
    }
    if watch.checkpoints >= wanted.count {
        return Some(succeed(world, status.clone(), watch, watched));
    }
    let are_counts_final = watched >= wanted.watch + world.flink.max_cache_age();
    if !are_counts_final || wanted.may_wait_longer(world, watch) {
        return None;
    }
    let why = wanted.describe_missing(world, watch, watched);
    Some(conclude(world, status.clone(), Sign::CheckpointsMissing, &why))
}

fn succeed(world: &World, mut status: FlinkRolloutStatus, watch: &Watch, watched: SignedDuration) -> Step {
    // The result shows the counters that led to it. A recovery by another JobManager is a restart.
    let watch = Watch { restarts: watch.restarts + watch.recoveries, ..watch.clone() };
    let seen = format!("{} restarts and {} checkpoints in {} s", watch.restarts, watch.checkpoints, watched.as_secs());
    status.watch = Some(watch);
    match (status.direction, status.failure.clone()) {
        (Direction::Forward, _) => end_after(world, status, ResultKind::Succeeded, &seen),
        (Direction::Back, Some(failure)) => end_after(world, status, ResultKind::RolledBack, &failure.message),
        (Direction::Back, None) => end_after(world, status, ResultKind::RolledBack, &seen),
    }
}

/// The deadline of the watch has passed, and the job cannot be judged.
fn give_up_waiting(
    world: &World,
    status: FlinkRolloutStatus,
    watch: &Watch,
    signs: &[Observed],
    settings: &MonitorSettings,
) -> Step {
    if let Some(sign) = find_deciding(signs, status.direction) {
        if sign.sign == Sign::Silence && !silence_counts(world) {
            return Step::Wait(POLL_FAST);
        }
        let all: Vec<&str> = signs.iter().map(|sign| sign.text.as_str()).collect();
        return conclude(world, status, sign.sign, &all.join("; "));
    }
    let restarts = watch.restarts;
    let why = format!("the watch of {} s did not end in time, with {restarts} restarts", settings.watch_seconds);
    conclude(world, status, Sign::TasksNotRunning, &why)
}

/// Records what is new, and shows what is waited for.
fn show(
    world: &World,
    before: &FlinkRolloutStatus,
    next: Watch,
    signs: &[Observed],
    wanted: &WantedCheckpoints,
) -> Step {
    let mut status = before.clone();
    status.message = describe_watch(&next, wanted);
    status.watch = Some(next);
    show_sign(world, &mut status, signs.first());
    // The words of a sign can change with every look.
    if status.waiting.is_some() && status.waiting == before.waiting {
        status.message.clone_from(&before.message);
    }
    if status == *before { Step::Wait(POLL_SLOW) } else { Step::record(status) }
}

fn describe_watch(watch: &Watch, wanted: &WantedCheckpoints) -> String {
    if watch.watching_since.is_none() {
        return "settling".to_owned();
    }
    format!("watching: {} restarts, {} of {} wanted checkpoints", watch.restarts, watch.checkpoints, wanted.count)
}
