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
    let stops =
        [(Component::JobManager, Operation::ParkJobManager), (Component::TaskManager, Operation::ParkTaskManagers)];
    for (component, operation) in stops {
        if world.workloads.get(component).replicas() > 0 {
            return Step::act(operation, Effect::Stop(component));
        }
    }
    let Some(pods_gone) = world.pods_gone() else { return Step::Wait(POLL_FAST) };
    if !world.ha.items.is_empty()
        && let Some(next_start) = next_start(&world.rollout)
    {
        let proof = ClearHaProof::new(next_start, pods_gone, world.ha.clone());
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
