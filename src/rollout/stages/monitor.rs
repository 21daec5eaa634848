//! Monitor: lets the job settle, then watches its counters.
//!
//! The state of a job says little: a job in a crash loop is RUNNING most of the time.

use jiff::SignedDuration;

use crate::{
    api::{Direction, FlinkRolloutStatus, MonitorSettings, ResultKind, Watch},
    cluster::{PodFailure, pod_failure},
    flink::ExceptionEntry,
    rollout::{
        effect::{POLL_FAST, POLL_SLOW, Step},
        health::{describe_end, failure_reason, job_manager_failure, newest_exception_time, waits_for_log},
        needs::{FlinkQuestions, Needs},
        transition::{WATCH_SLACK, end_after, halt, turn_back_or_halt},
        world::{ProbeAnswer, World},
    },
};

/// The minimum time between two counted answers of a probe.
const PROBE_PAUSE: SignedDuration = SignedDuration::from_secs(3);

pub(super) const NEEDS: Needs = Needs {
    warnings: true,
    flink: FlinkQuestions::StartedJob { refresh_interval: true },
    logs: true,
    probes: true,
    ..Needs::CLUSTER
};

pub(super) fn next_step(world: &World) -> Step {
    let status = world.status();
    let (Some(plan), Some(watch)) = (status.plan.clone(), status.watch.clone()) else {
        return handle_unhealthy(world, status, "the record of the watch is gone");
    };
    if waits_for_log(world) {
        return Step::Wait(POLL_FAST);
    }
    let settings = &plan.settings.monitor;
    if let Some(why) = find_sure_sign(world, &watch, settings) {
        return handle_unhealthy(world, status, &why);
    }
    let next = update_watch(world, &watch, settings);
    if let Some(why) = failing_probe(world, &next, settings) {
        return handle_unhealthy(world, status, &why);
    }
    if watch.watching_since.is_none() && next.watching_since.is_some() {
        return Step::record(begin_watch(world, status, next, settings));
    }
    let since = next.watching_since.as_ref().map(|since| world.now.duration_since(since.0));
    let over = since.is_some_and(|since| since >= SignedDuration::from_secs(i64::from(settings.watch_seconds)));
    let silent = silent_probe(world, &next, settings);
    // A job that cannot be observed at the end of the watch does not count as healthy.
    let seen = runs_whole(world) && world.flink.checkpoints.is_some() && silent.is_none();
    if over && seen && has_final_counts(world, &next, settings) {
        return judge(world, status, next, settings);
    }
    if world.is_past_deadline() {
        if let Some((name, why)) = silent.filter(|_| world.flink.unknown.is_none()) {
            return handle_unhealthy(world, status, &format!("the probe {name} never answered: {why}"));
        }
        return handle_unhealthy(world, status, &describe_missing_sight(world));
    }
    let message = describe_watch(&next, settings);
    if next != watch || status.message != message {
        let mut status = status;
        status.watch = Some(next);
        status.message = message;
        return Step::record(status);
    }
    Step::Wait(POLL_SLOW)
}

/// A sign that ends the watch at once.
fn find_sure_sign(world: &World, watch: &Watch, settings: &MonitorSettings) -> Option<String> {
    if let Some(failure) = job_manager_failure(world) {
        return Some(failure);
    }
    if let Some(failure @ PodFailure::CannotStart { .. }) = pod_failure(&world.workloads.task_manager) {
        return Some(failure.sentence());
    }
    let terminal = world.flink.job.as_ref().filter(|detail| detail.state.is_terminal());
    if let Some(why) = terminal.and_then(|detail| describe_end(world, detail)) {
        return Some(why);
    }
    let restarts = count_restarts(world, watch);
    // While the job settles, the cluster may cause a restart or two. More restarts are a crash loop.
    let allowed = u64::from(settings.restarts_allowed) + if watch.watching_since.is_some() { 0 } else { 2 };
    (restarts > allowed).then(|| {
        let reason = failure_reason(world).map_or_else(String::new, |reason| format!(": {reason}"));
        let pod = pod_failure(&world.workloads.task_manager)
            .map_or_else(String::new, |failure| format!("; {}", failure.sentence()));
        format!("{restarts} restarts, {} allowed{pod}{reason}", settings.restarts_allowed)
    })
}

/// Begins the watch, with a deadline of its own, because settling may have taken long.
fn begin_watch(
    world: &World,
    mut status: FlinkRolloutStatus,
    watch: Watch,
    settings: &MonitorSettings,
) -> FlinkRolloutStatus {
    let end = SignedDuration::from_secs(i64::from(settings.watch_seconds)) + WATCH_SLACK;
    status.deadline = Some(crate::api::time(world.now.checked_add(end).unwrap_or(jiff::Timestamp::MAX)));
    status.message = describe_watch(&watch, settings);
    status.watch = Some(watch);
    status
}

/// Why the watch could not be completed.
fn describe_missing_sight(world: &World) -> String {
    let down = world.flink.job.as_ref().map(crate::flink::JobDetail::not_running).unwrap_or_default();
    if let (false, None) = (down.is_empty(), &world.flink.unknown) {
        let reason = failure_reason(world).map_or_else(String::new, |reason| format!(": {reason}"));
        return format!("not RUNNING any more: {}{reason}", down.join(", "));
    }
    format!("Flink could not be watched: {}", world.flink.unknown.as_deref().unwrap_or("no answer"))
}

/// The restarts since the watch began.
///
/// Each restart leaves an exception. A restart from a checkpoint also increases `restored`; a job that has completed no checkpoint yet
/// leaves only the exception.
fn count_restarts(world: &World, watch: &Watch) -> u64 {
    let restores = world.flink.checkpoints.as_ref().map(|known| known.counts.restored.saturating_sub(watch.restored));
    let newer = |entry: &&ExceptionEntry| watch.newest_exception.is_some_and(|known| entry.timestamp > known);
    let exceptions = world.flink.exceptions.as_ref().map(|known| known.exception_history.entries.iter().filter(newer));
    let exceptions = exceptions.map(|entries| entries.count() as u64);
    restores.max(exceptions).unwrap_or_default().max(watch.restarts)
}

/// Whether Flink shows every vertex RUNNING.
fn runs_whole(world: &World) -> bool {
    world.flink.job.as_ref().is_some_and(crate::flink::JobDetail::runs_whole)
}

/// The watch with the counters of this look.
fn update_watch(world: &World, watch: &Watch, settings: &MonitorSettings) -> Watch {
    let mut next = watch.clone();
    // Exceptions from before the first answer of Flink are not counted.
    next.newest_exception = watch.newest_exception.or_else(|| newest_exception_time(world));
    let (Some(checkpoints), true) = (&world.flink.checkpoints, runs_whole(world)) else { return next };
    let settled = next.settling_since.as_ref().is_none_or(|since| {
        world.now.duration_since(since.0) >= SignedDuration::from_secs(i64::from(settings.stabilise_seconds))
    });
    if next.watching_since.is_none() {
        if settled {
            next.watching_since = Some(world.time());
            next.restored = checkpoints.counts.restored;
            next.newest_exception = newest_exception_time(world);
            next.restarts = 0;
            next.completed = checkpoints.counts.completed;
        }
        return next;
    }
    next.restarts = count_restarts(world, watch);
    next.checkpoints = checkpoints.counts.completed.saturating_sub(next.completed);
    // Each write of the record leads to another look at once, so probes are counted by time and not by look.
    let due = next.probed_at.as_ref().is_none_or(|at| world.now.duration_since(at.0) >= PROBE_PAUSE);
    if !due {
        return next;
    }
    next.probed_at = (!world.probes.is_empty()).then(|| world.time());
    for (name, answer) in &world.probes {
        // A probe that never answered is neither good nor bad yet. One that answered before and falls silent has failed.
        if matches!(answer, ProbeAnswer::Unanswered(_)) && !next.probe_failures.contains_key(name) {
            continue;
        }
        let failures = next.probe_failures.entry(name.clone()).or_default();
        *failures = if *answer == ProbeAnswer::Passed { 0 } else { *failures + 1 };
    }
    next
}

/// A probe that has not answered since the watch began, and why.
fn silent_probe<'a>(world: &'a World, watch: &Watch, settings: &'a MonitorSettings) -> Option<(&'a str, &'a str)> {
    let silent = settings.probes.iter().find(|probe| !watch.probe_failures.contains_key(&probe.name))?;
    let why = match world.probes.get(&silent.name) {
        Some(ProbeAnswer::Unanswered(why) | ProbeAnswer::Failed(why)) => why,
        Some(ProbeAnswer::Passed) | None => "it was not asked",
    };
    Some((&silent.name, why))
}

fn failing_probe(world: &World, watch: &Watch, settings: &MonitorSettings) -> Option<String> {
    settings.probes.iter().find_map(|probe| {
        let failures = *watch.probe_failures.get(&probe.name)?;
        let answer = match world.probes.get(&probe.name)? {
            ProbeAnswer::Passed => return None,
            ProbeAnswer::Failed(why) | ProbeAnswer::Unanswered(why) => why,
        };
        (failures > probe.failures_allowed).then(|| {
            format!(
                "the probe {} failed {failures} times in a row, {} allowed: {answer}",
                probe.name, probe.failures_allowed
            )
        })
    })
}

/// Whether the checkpoint counters are final: there are enough, or the cached answer is younger than the end of the watch.
fn has_final_counts(world: &World, watch: &Watch, settings: &MonitorSettings) -> bool {
    let watched = watch.watching_since.as_ref().map(|since| world.now.duration_since(since.0));
    let end = SignedDuration::from_secs(i64::from(settings.watch_seconds)) + world.flink.max_cache_age();
    watch.checkpoints >= u64::from(settings.checkpoints_wanted) || watched.is_some_and(|watched| watched >= end)
}

fn judge(world: &World, mut status: FlinkRolloutStatus, watch: Watch, settings: &MonitorSettings) -> Step {
    if watch.checkpoints < u64::from(settings.checkpoints_wanted) {
        let why = format!(
            "only {} of {} wanted checkpoints completed within {} s{}",
            watch.checkpoints,
            settings.checkpoints_wanted,
            settings.watch_seconds,
            describe_failed_checkpoints(world)
        );
        return handle_unhealthy(world, status, &why);
    }
    let seen =
        format!("{} restarts and {} checkpoints in {} s", watch.restarts, watch.checkpoints, settings.watch_seconds);
    // The result shows the counters that led to it.
    status.watch = Some(watch);
    match (status.direction, status.failure.clone()) {
        (Direction::Forward, _) => end_after(world, status, ResultKind::Succeeded, &seen),
        (Direction::Back, Some(failure)) => end_after(world, status, ResultKind::RolledBack, &failure.message),
        (Direction::Back, None) => end_after(world, status, ResultKind::RolledBack, &seen),
    }
}

/// How many checkpoints failed, and why the last one failed.
fn describe_failed_checkpoints(world: &World) -> String {
    let Some(checkpoints) = world.flink.checkpoints.as_ref().filter(|checkpoints| checkpoints.counts.failed > 0) else {
        return String::new();
    };
    let last = checkpoints.latest.failed.as_ref().and_then(|failed| failed.failure_message.as_deref());
    let last = last.and_then(|message| message.lines().next()).unwrap_or("Flink gives no reason");
    format!("; {} failed, the last one because: {}", checkpoints.counts.failed, crate::text::truncate(last, 300))
}

fn handle_unhealthy(world: &World, status: FlinkRolloutStatus, why: &str) -> Step {
    Step::record(match status.direction {
        Direction::Forward => turn_back_or_halt(world, status, why),
        Direction::Back => {
            let why = format!(
                "the previous version runs again from the restore point but is not healthy: {why}. It is left running: resume the watch, or give up"
            );
            halt(world, status, &why, false, Vec::new())
        }
    })
}

fn describe_watch(watch: &Watch, settings: &MonitorSettings) -> String {
    if watch.watching_since.is_none() {
        return "settling".to_owned();
    }
    format!(
        "watching: {} restarts, {} of {} wanted checkpoints",
        watch.restarts, watch.checkpoints, settings.checkpoints_wanted
    )
}
