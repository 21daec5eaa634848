//! Deploy and Restore: writes the objects, then both Deployments at 0 replicas, and scales last.

use super::{
    Decision, Effect, job_id,
    progress::{StatusExt as _, failed, halt},
    verify,
    world::World,
};
use crate::{
    api::{Direction, FlinkRolloutStatus, Stage, StageOutcome, StageRecord, StartFromKind, StartedJob},
    bake::Start,
};

/// How often a stop is done again because something came up behind it.
const MOST_STOPS: usize = 4;

pub(super) fn decide(world: &World) -> Decision {
    let mut status = world.status();
    if status.job.is_none() {
        let start = start(world, &status);
        status.job =
            Some(StartedJob { job_id: start.job_id, start_path: start.path, restored_at: None, running_at: None });
        return Decision::record(status);
    }
    if world.past_deadline() && !status.completed("scale-up") {
        return could_not_write(world, status);
    }
    if !status.completed("apply-objects") {
        return Decision::act("apply-objects", Effect::ApplyObjects);
    }
    if !status.completed("write-deployments") {
        let clear = world.job_manager.pods_gone().is_some() && world.task_manager.pods_gone().is_some();
        if !clear || !world.ha.items.is_empty() {
            // Somebody scaled up meanwhile: what runs would be replaced without a stop.
            return again(world, status, "something started meanwhile");
        }
        return Decision::act("write-deployments", Effect::WriteDeployments { start: start(world, &status) });
    }
    let Some(task_managers) = task_managers(&status) else { return Decision::Wait(super::SOON) };
    if !status.completed("scale-up") {
        return Decision::act("scale-up", Effect::ScaleUp { task_managers });
    }
    let evidence = format!("1 JobManager and {task_managers} TaskManager replicas");
    status.advance(world, StageOutcome::Done, &evidence, Stage::Verify);
    Decision::record(status)
}

/// Back to the stop, but not for ever.
pub(super) fn again(world: &World, mut status: FlinkRolloutStatus, why: &str) -> Decision {
    let here = |record: &&StageRecord| record.stage == Stage::Stop && record.direction == status.direction;
    if status.stages.iter().filter(here).count() >= MOST_STOPS {
        let why = format!(
            "{why}, for the {MOST_STOPS}th time: something scales the Deployments up. Find out what does (an autoscaler, GitOps), stop it, then resume"
        );
        return Decision::record(halt(world, status, &why, false, Vec::new()));
    }
    status.advance(world, StageOutcome::Failed, why, Stage::Stop);
    Decision::record(status)
}

fn could_not_write(world: &World, status: FlinkRolloutStatus) -> Decision {
    let trouble = status.operations.iter().rev().find_map(|operation| operation.trouble.clone()).unwrap_or_default();
    let why = format!("the objects could not be written in time: {trouble}");
    if status.direction == Direction::Back {
        return Decision::record(verify::park(world, status, &why));
    }
    Decision::record(failed(world, status, &why))
}

/// Replicas of the TaskManager: the recorded live ones on the way back.
fn task_managers(status: &FlinkRolloutStatus) -> Option<i32> {
    let plan = status.plan.as_ref()?;
    match status.direction {
        Direction::Forward => Some(plan.target.task_manager_replicas),
        Direction::Back => plan.before.as_ref().map(|before| before.task_manager.replicas),
    }
}

/// Job id and start state of this direction and attempt.
pub(super) fn start(world: &World, status: &FlinkRolloutStatus) -> Start {
    let point = status.restore_point.as_ref().map(|point| point.path.clone());
    let path = match (status.direction, world.rollout.spec.request.start_from.from) {
        (Direction::Back, _) | (_, StartFromKind::Savepoint | StartFromKind::LastCheckpoint) => point,
        (Direction::Forward, StartFromKind::RestorePoint | StartFromKind::Path) => requested_path(world),
        (Direction::Forward, StartFromKind::Nothing) => None,
    };
    Start { job_id: job_id(&world.uid(), status.direction, status.attempt), path }
}

/// The path that the request itself names.
pub(super) fn requested_path(world: &World) -> Option<String> {
    let start_from = &world.rollout.spec.request.start_from;
    let value = start_from.value.as_ref()?;
    match start_from.from {
        StartFromKind::Path => Some(value.clone()),
        StartFromKind::RestorePoint => {
            let points = &world.application.as_ref()?.status.as_ref()?.restore_points;
            points.iter().find(|point| &point.name == value).map(|point| point.path.clone())
        }
        _ => None,
    }
}
