//! Parks a halted rollout at 0 replicas, so that a person can start the application with one command.
//!
//! The template then holds the restore point and a new job id, and the HA metadata is cleared. Once a parked rollout has reached 0
//! replicas, the controller does not scale it down again unless someone sends Resume: a person has started what runs then.

use super::{
    effect::{Effect, POLL_FAST, POLL_SLOW, Step},
    ids::job_id,
    leadership::{LeaderVerdict, judge_leaders},
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
        match judge_leaders(world, &status) {
            LeaderVerdict::NoneAlive => {}
            LeaderVerdict::Changed(status) => return Step::Record(status),
            // Its metadata is not ours to clear. Resume goes through Clear HA, which halts and names the leader.
            LeaderVerdict::Undecided | LeaderVerdict::Alive { .. } => return Step::Wait(POLL_SLOW),
        }
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
