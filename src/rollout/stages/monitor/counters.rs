//! Counts restarts, recoveries and checkpoints.

use jiff::SignedDuration;

use super::probes;
use crate::{
    api::{MonitorSettings, Watch},
    cluster::pod_signs,
    flink::ExceptionEntry,
    rollout::{
        health::{Observed, Sign, failure_reason, newest_exception_time},
        world::World,
    },
};

/// The cluster may cause a restart or two while a job settles. More restarts are a crash loop.
const SETTLING_RESTARTS: u64 = 2;

/// The watch of a job that another `JobManager` has recovered, by high availability. Its counters begin anew, so the watch does too.
///
/// A drained node, an eviction or a spot instance moves a `JobManager`. It counts as one restart.
pub(super) fn follow_recovery(world: &World, watch: &Watch) -> Option<Watch> {
    let (known, now) = (watch.job_started?, world.job_started()?);
    if now <= known {
        return None;
    }
    let counts = world.flink.checkpoints.as_ref().map(|checkpoints| checkpoints.counts);
    Some(Watch {
        settling_since: Some(world.time()),
        // A recovered job was restored once.
        restored: counts.map_or(1, |counts| counts.restored),
        failed: counts.map_or(0, |counts| counts.failed),
        newest_exception: newest_exception_time(world),
        job_started: Some(now),
        recoveries: watch.recoveries + 1,
        ..Watch::default()
    })
}

/// The restarts, if there are any beyond what is allowed.
pub(super) fn find_restarts(world: &World, watch: &Watch, settings: &MonitorSettings) -> Option<Observed> {
    let settles = watch.watching_since.is_none();
    let (restarts, allowed) = if settles {
        (count_restarts(world, watch) + watch.recoveries, u64::from(settings.restarts_allowed) + SETTLING_RESTARTS)
    } else {
        (watch.restarts, u64::from(settings.restarts_allowed))
    };
    (restarts > allowed).then(|| {
        let reason = failure_reason(world).map_or_else(String::new, |reason| format!(": {reason}"));
        let pods = pod_signs(&world.workloads.task_manager);
        let pod = pods.first().map_or_else(String::new, |(_, text)| format!("; {text}"));
        let ended = crate::cluster::find_end(&world.workloads.task_manager);
        let ended = ended.map_or_else(String::new, |end| format!("; {}", end.sentence()));
        let text = format!("{restarts} restarts, {} allowed{pod}{ended}{reason}", settings.restarts_allowed);
        Observed { sign: Sign::JobRestarted, text, repeated: true }
    })
}

/// The restarts since the watch began.
///
/// Each restart leaves an exception. A restart from a checkpoint also increases `restored`; a job that has completed no checkpoint yet
/// leaves only the exception. A rescale by the adaptive scheduler increases `restored` and leaves no exception: it is no restart.
fn count_restarts(world: &World, watch: &Watch) -> u64 {
    let is_adaptive =
        world.rollout.status.as_ref().and_then(|status| status.job.as_ref()).is_some_and(|job| job.adaptive);
    let restores = world.flink.checkpoints.as_ref().filter(|_| !is_adaptive);
    let restores = restores.map(|known| known.counts.restored.saturating_sub(watch.restored));
    let newer = |entry: &&ExceptionEntry| watch.newest_exception.is_some_and(|known| entry.timestamp > known);
    let exceptions = world.flink.exceptions.as_ref().map(|known| known.exception_history.entries.iter().filter(newer));
    let exceptions = exceptions.map(|entries| entries.count() as u64);
    restores.max(exceptions).unwrap_or_default().max(watch.restarts)
}

/// The watch with the counters of this look.
pub(super) fn update_watch(world: &World, watch: &Watch, settings: &MonitorSettings) -> Watch {
    let mut next = watch.clone();
    // Exceptions from before the first answer of Flink are not counted.
    next.newest_exception = watch.newest_exception.or_else(|| newest_exception_time(world));
    next.job_started = watch.job_started.or_else(|| world.job_started());
    if next.watching_since.is_some() {
        next.restarts = count_restarts(world, watch);
    }
    let runs_whole = world.job_runs_whole();
    let (Some(checkpoints), true) = (&world.flink.checkpoints, runs_whole) else { return next };
    let settled = next.settling_since.as_ref().is_none_or(|since| {
        world.now.duration_since(since.0) >= SignedDuration::from_secs(i64::from(settings.stabilise_seconds))
    });
    if next.watching_since.is_none() {
        if settled && find_restarts(world, watch, settings).is_none() {
            next.watching_since = Some(world.time());
            next.restored = checkpoints.counts.restored;
            next.newest_exception = newest_exception_time(world);
            next.restarts = 0;
            next.completed = checkpoints.counts.completed;
        }
        return next;
    }
    next.checkpoints = checkpoints.counts.completed.saturating_sub(next.completed);
    probes::count(world, &mut next);
    next
}
