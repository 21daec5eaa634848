//! Parked: a halted way back is brought to 0 replicas, with a template that already holds the restore point and a fresh job id, and
//! without HA metadata, so that a person can start it with one command. Once it is at rest nothing is scaled down any more: what runs
//! then, a person started.

use super::{
    effect::{Effect, POLL_FAST, Step},
    ids::job_id,
    operation::Operation,
    proof::{ClearHaProof, next_start},
    transition::StatusExt as _,
    world::World,
};
use crate::{
    api::{Component, Direction},
    bake::Start,
};

pub(super) fn next_step(world: &World) -> Step {
    let mut status = world.status();
    if world.workloads.job_manager.replicas() > 0 {
        return Step::act(Operation::ParkJobManager, Effect::Stop(Component::JobManager));
    }
    if world.workloads.task_manager.replicas() > 0 {
        return Step::act(Operation::ParkTaskManagers, Effect::Stop(Component::TaskManager));
    }
    let (Some(job_manager), Some(task_manager)) =
        (world.workloads.job_manager.pods_gone(), world.workloads.task_manager.pods_gone())
    else {
        return Step::Wait(POLL_FAST);
    };
    if let (false, Some(instead)) = (world.ha.items.is_empty(), next_start(&world.rollout)) {
        let proof = ClearHaProof::new(instead, job_manager, task_manager, world.ha.clone());
        return Step::act(Operation::ParkClearHa, Effect::ClearHa { proof });
    }
    if status.direction == Direction::Back && !status.completed(Operation::ParkTemplate) {
        let path = status.restore_point.as_ref().map(|point| point.path.clone());
        let start = Start { job_id: job_id(&world.uid(), status.direction, status.attempt + 1), path };
        return Step::act(Operation::ParkTemplate, Effect::WriteWorkloads { start });
    }
    if let Some(halt) = &mut status.halt {
        halt.at_rest = Some(world.time());
    }
    Step::record(status)
}
