//! The savepoint of the rollout's own stop: how it is recognised in Flink's answers, and what is recorded as soon as it is seen.

use jiff::Timestamp;
use kube::ResourceExt as _;

use crate::{
    api::{FlinkRolloutStatus, RunningJob, SavepointCandidate},
    flink::Checkpoint,
    rollout::{
        ids::own_directory,
        operation::Operation,
        transition::StatusExt as _,
        world::{FlinkView, World},
    },
};

/// How much the clocks of the bot and of Flink may differ beyond what one look shows, in milliseconds.
const CLOCK_TOLERANCE: i64 = 60_000;

/// The completed savepoint of this rollout's own stop, if Flink shows it.
///
/// Its kind and its folder, which only this rollout uses, decide. One from before the request would be of an earlier rollout.
pub(super) fn find_own_savepoint<'a>(world: &World, view: &'a FlinkView) -> Option<&'a Checkpoint> {
    let status = world.status();
    let asked_at = status.operation(Operation::StopWithSavepoint)?.started_at.0.as_millisecond();
    let directory = own_directory(&world.plan()?.settings.savepoint.directory, &world.rollout);
    let found = view.checkpoints.as_ref()?.completed_stop_in(&directory)?;
    // The trigger time is Flink's. Without Flink's clock there is nothing to compare it with.
    let flink_now = view.job.as_ref().map(|job| job.now).filter(|now| *now > 0);
    let is_older = flink_now.is_some_and(|flink_now| {
        let ahead = flink_now - world.now.as_millisecond();
        found.trigger_timestamp < asked_at + ahead - CLOCK_TOLERANCE
    });
    (!is_older).then_some(found)
}

/// The completed savepoint that Flink shows, in the form of the record.
pub(super) fn build_candidate(world: &World) -> Option<SavepointCandidate> {
    let seen = find_own_savepoint(world, &world.flink)?;
    let triggered_at = Timestamp::from_millisecond(seen.trigger_timestamp).ok().filter(|at| at.as_millisecond() > 0);
    Some(SavepointCandidate {
        path: seen.external_path.clone()?,
        size_bytes: Some(seen.state_size),
        at: triggered_at.map_or_else(|| world.time(), crate::api::time),
    })
}

/// The status with the savepoint as a candidate, if Flink shows it and it is not recorded yet.
///
/// A JobManager that is lost before the job has finished takes its list of savepoints with it.
pub(super) fn record_candidate(world: &World, status: &FlinkRolloutStatus) -> Option<FlinkRolloutStatus> {
    if status.savepoint_candidate.is_some() {
        return None;
    }
    let candidate = build_candidate(world)?;
    Some(FlinkRolloutStatus { savepoint_candidate: Some(candidate), ..status.clone() })
}

/// Whether the job has ended for good: its own HA `ConfigMap` was there at Plan and is gone. Flink deletes it only then.
pub(super) fn has_ended_for_good(world: &World, job: &RunningJob) -> bool {
    job.ha_config_map.as_ref().is_some_and(|name| world.ha.items.iter().all(|map| &map.name_any() != name))
}
