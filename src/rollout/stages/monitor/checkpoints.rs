//! The checkpoints that a watch waits for. The watch fits the checkpoint interval of the job.

use jiff::SignedDuration;

use crate::{
    api::{Checkpointing, Plan, StartedJob, Watch, watch_seconds_for},
    rollout::{
        health::{Observed, Sign},
        world::World,
    },
};

/// The checkpoints that must complete, and how long the watch lasts for them.
pub(super) struct WantedCheckpoints {
    pub(super) count: u64,
    /// How long the watch takes.
    pub(super) watch: SignedDuration,
    /// How long it may take while a checkpoint is in progress.
    longest: SignedDuration,
    /// The longest pause between two checkpoints, in milliseconds.
    pause_millis: u64,
}

/// So many of the wanted checkpoints fit into the longest watch. A job that takes no periodic checkpoints is not asked for any.
///
/// Plan refuses a watch that is too short for the interval of the job that runs. A new version can have a longer interval.
fn most_checkpoints(checkpointing: &Checkpointing, wanted: u64, longest: u64) -> u64 {
    if checkpointing.interval_millis.is_none() {
        return 0;
    }
    (0..=wanted).rev().find(|count| watch_seconds_for(checkpointing, *count) <= longest).unwrap_or_default()
}

impl WantedCheckpoints {
    /// Fits the watch to the job: its own checkpoint interval counts, or else that of the job that ran before.
    pub(super) fn of(plan: &Plan, job: &StartedJob) -> Self {
        let settings = &plan.settings.monitor;
        let before = plan.current.as_ref().and_then(|current| current.job.as_ref()?.checkpointing.as_ref());
        let checkpointing = job.checkpointing.as_ref().or(before);
        let seconds = |seconds: u64| SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        let longest = u64::from(settings.watch_max_seconds.max(settings.watch_seconds));
        let wanted = u64::from(settings.checkpoints_wanted);
        let (count, needed) = checkpointing.map_or((wanted, 0), |known| {
            let count = most_checkpoints(known, wanted, longest);
            (count, watch_seconds_for(known, count))
        });
        Self {
            count,
            watch: seconds(needed.min(longest).max(u64::from(settings.watch_seconds))),
            longest: seconds(longest),
            pause_millis: checkpointing.and_then(Checkpointing::longest_pause_millis).unwrap_or_default(),
        }
    }

    /// Whether a wanted checkpoint is in progress and none has failed.
    ///
    /// The first checkpoint after a restore is a full one: of terabytes it can take an hour.
    pub(super) fn may_wait_longer(&self, world: &World, watch: &Watch) -> bool {
        let Some(checkpoints) = &world.flink.checkpoints else { return false };
        let Some(since) = &watch.watching_since else { return false };
        watch.checkpoints < self.count
            && (checkpoints.is_in_progress() || self.is_next_due(world, watch))
            && checkpoints.counts.failed <= watch.failed
            && world.now.duration_since(since.0) < self.longest
    }

    /// Whether one of the wanted checkpoints has just completed, so that the next one has not begun.
    fn is_next_due(&self, world: &World, watch: &Watch) -> bool {
        let Some(detail) = world.flink.job.as_ref().filter(|_| watch.checkpoints > 0) else { return false };
        let last = world.flink.checkpoints.as_ref().and_then(|checkpoints| checkpoints.latest.completed.as_ref());
        let cache = i64::try_from(world.flink.max_cache_age().as_millis()).unwrap_or_default();
        let pause = i64::try_from(self.pause_millis).unwrap_or(i64::MAX / 4);
        last.is_some_and(|last| detail.now - last.latest_ack_timestamp < pause + 2 * cache)
    }

    /// The checkpoint that a watch waits for beyond its end.
    pub(super) fn find_in_progress(&self, world: &World, watch: &Watch) -> Option<Observed> {
        let watched = world.now.duration_since(watch.watching_since.as_ref()?.0);
        let text = format!(
            "a checkpoint is in progress: {} of {} wanted checkpoints have completed",
            watch.checkpoints, self.count
        );
        (watched >= self.watch && self.may_wait_longer(world, watch))
            .then(|| Observed::once(Sign::CheckpointInProgress, text))
    }

    /// How many checkpoints are missing, how many failed, and why the last one failed.
    pub(super) fn describe_missing(&self, world: &World, watch: &Watch, watched: SignedDuration) -> String {
        let missing = format!(
            "only {} of {} wanted checkpoints completed within {} s",
            watch.checkpoints,
            self.count,
            watched.as_secs()
        );
        let checkpoints = world.flink.checkpoints.as_ref();
        let failed = checkpoints.map_or(0, |known| known.counts.failed.saturating_sub(watch.failed));
        if failed == 0 {
            return missing;
        }
        let last = checkpoints.and_then(|known| known.latest.failed.as_ref()?.failure_message.as_deref());
        let last = last.and_then(|message| message.lines().next()).unwrap_or("Flink gives no reason");
        format!("{missing}; {failed} failed, the last one because: {}", crate::text::truncate(last, 300))
    }
}
