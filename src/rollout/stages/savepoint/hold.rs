//! A halt after the stop was asked for, while the old job could start again.
//!
//! A job that has ended for good has no HA metadata left. When its JobManager exits, the Deployment starts it again with its old
//! arguments, and the old job runs from an old state while nobody looks. So the JobManager is scaled to 0. While the job has HA metadata,
//! the JobManager may still recover it, and is left alone.

use super::own_savepoint::{has_ended_for_good, record_candidate};
use crate::{
    api::{Component, FlinkRolloutStatus},
    rollout::{
        effect::{Effect, POLL_SLOW, Step},
        operation::Operation,
        transition::StatusExt as _,
        world::World,
    },
    text::truncate,
};

const HELD: &str =
    "Its job had ended for good, so the JobManager was scaled to 0: its old arguments cannot start the old job again";

/// What a rollout that is halted in Savepoint still does.
pub(in crate::rollout) fn next_step_while_halted(world: &World) -> Option<Step> {
    let status = world.status();
    status.operation(Operation::StopWithSavepoint).filter(|_| status.restore_point.is_none())?;
    if let Some(status) = record_candidate(world, &status) {
        return Some(Step::record(status));
    }
    if status.completed(Operation::HoldJobManager) {
        return tell(status);
    }
    let job = status.plan.as_ref()?.current.as_ref()?.job.as_ref()?;
    if world.workloads.job_manager.replicas() == 0 || !has_ended_for_good(world, job) {
        return None;
    }
    let Some(begun) = status.operation(Operation::HoldJobManager) else {
        let mut status = status.clone();
        status.intend(&world.uid(), Operation::HoldJobManager, world.now);
        return Some(Step::record(status));
    };
    // The path of the savepoint is lost with the JobManager. Flink's cache may not show it yet.
    if world.now.duration_since(begun.started_at.0) < world.flink.max_cache_age() {
        return Some(Step::Wait(POLL_SLOW));
    }
    Some(Step::act(Operation::HoldJobManager, Effect::Stop(Component::JobManager)))
}

/// Adds to the halt's message that the JobManager is at 0.
fn tell(mut status: FlinkRolloutStatus) -> Option<Step> {
    let halt = status.halt.as_mut().filter(|halt| !halt.message.contains(HELD))?;
    halt.message = format!("{}. {HELD}", truncate(&halt.message, 1700));
    status.message.clone_from(&halt.message);
    Some(Step::record(status))
}
