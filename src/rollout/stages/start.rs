//! Deploy and Restore: writes the objects, then both workloads at 0 replicas, and scales them up last.

use crate::{
    api::{Direction, FlinkRolloutStatus, HaltKind, Stage, StageOutcome, StartedJob},
    rollout::{
        effect::{Effect, POLL_FAST, Step},
        needs::Needs,
        operation::Operation,
        request::build_start,
        transition::{StatusExt as _, halt, restart_from_stop, turn_back_or_halt},
        world::World,
    },
};

pub(super) const NEEDS: Needs = Needs::CLUSTER;

pub(super) fn next_step(world: &World) -> Step {
    let mut status = world.status();
    if status.job.is_none() {
        let start = build_start(world, &status);
        status.job = Some(StartedJob::new(start.job_id, start.path));
        return Step::record(status);
    }
    if world.is_past_deadline() && !status.completed(Operation::Start) {
        return handle_write_failure(world, status);
    }
    if !status.completed(Operation::ApplyObjects) {
        return Step::act(Operation::ApplyObjects, Effect::ApplyObjects);
    }
    if !status.completed(Operation::WriteWorkloads) {
        if world.pods_gone().is_none() || !world.ha.items.is_empty() {
            // Somebody has scaled up meanwhile. That job would be replaced without a stop.
            return restart_from_stop(world, status, "something started meanwhile");
        }
        return Step::act(Operation::WriteWorkloads, Effect::WriteWorkloads { start: build_start(world, &status) });
    }
    let Some(task_managers) = task_manager_replicas(&status) else { return Step::Wait(POLL_FAST) };
    if !status.completed(Operation::Start) {
        return Step::act(Operation::Start, Effect::Start { task_managers });
    }
    let evidence = format!("1 JobManager and {task_managers} TaskManager replicas");
    status.advance(world, StageOutcome::Done, &evidence, Stage::Verify);
    Step::record(status)
}

fn handle_write_failure(world: &World, status: FlinkRolloutStatus) -> Step {
    let error = status.operations.iter().rev().find_map(|operation| operation.last_error.clone()).unwrap_or_default();
    let why = format!("the objects could not be written in time: {error}");
    if status.direction == Direction::Back {
        let why = format!("the previous version has not been started: {why}. Mend the cause, then resume; or give up");
        return Step::record(halt(world, status, HaltKind::NotWritten, &why));
    }
    Step::record(turn_back_or_halt(world, status, &why))
}

/// Replicas of the TaskManager. On the way back, it is the live count that was recorded before the stop.
fn task_manager_replicas(status: &FlinkRolloutStatus) -> Option<i32> {
    let plan = status.plan.as_ref()?;
    match status.direction {
        Direction::Forward => Some(plan.target.task_manager_replicas),
        Direction::Back => plan.current.as_ref().map(|current| current.workloads.task_manager.replicas),
    }
}
