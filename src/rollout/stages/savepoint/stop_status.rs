//! When the status of the stop may be read.
//!
//! With Flink's defaults, reading a completed stop once lets the JobManager go, and the path with it (2.2.1). So it is read only where no
//! path can be lost.

use super::own_savepoint::find_own_savepoint;
use crate::{
    flink::JobState,
    rollout::{
        operation::Operation,
        transition::StatusExt as _,
        world::{FlinkView, World},
    },
};

/// Whether the status of the stop may be read now. `view` is what Flink has answered in this look.
#[must_use]
pub fn may_read_stop(world: &World, view: &FlinkView) -> bool {
    let status = world.status();
    let Some(stop) = status.operation(Operation::StopWithSavepoint) else { return false };
    let (Some(checkpoints), Some(job)) = (&view.checkpoints, &view.job) else { return false };
    // Flink caches both answers: they may be from before the stop was asked for.
    let asked_at = stop.completed_at.as_ref().unwrap_or(&stop.started_at).0;
    let settled = world.now.duration_since(asked_at) >= view.max_cache_age();
    let in_sight = find_own_savepoint(world, view).is_some();
    settled
        && !in_sight
        && match job.state {
            // While the job runs and no savepoint is under way there is no path to lose.
            JobState::Running | JobState::Restarting => !checkpoints.stop_in_progress(),
            // A failed stop releases nobody: the path of its savepoint is in its message.
            JobState::Failed => true,
            _ => false,
        }
}
