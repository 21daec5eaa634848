//! Parked: a halted way back is brought to 0 replicas, with a template that already holds the restore point and a fresh job id, and
//! without HA metadata, so that a person can start it with one command. Once it is at rest nothing is scaled down any more: what runs
//! then, a person started.

use super::{
    effect::{Decision, Effect, SOON, Which},
    ids::job_id,
    proof::{ClearHaProof, in_its_place},
    transition::StatusExt as _,
    world::World,
};
use crate::{api::Direction, bake::Start};

pub(super) fn decide(world: &World) -> Decision {
    let mut status = world.status();
    if world.job_manager.replicas() > 0 {
        return Decision::act("park-job-manager", Effect::ScaleDown(Which::JobManager));
    }
    if world.task_manager.replicas() > 0 {
        return Decision::act("park-task-manager", Effect::ScaleDown(Which::TaskManager));
    }
    let (Some(job_manager), Some(task_manager)) = (world.job_manager.pods_gone(), world.task_manager.pods_gone())
    else {
        return Decision::Wait(SOON);
    };
    if let (false, Some(instead)) = (world.ha.items.is_empty(), in_its_place(&world.rollout)) {
        let proof = ClearHaProof::new(instead, job_manager, task_manager, world.ha.clone());
        return Decision::act("park-clear-ha", Effect::ClearHa { proof });
    }
    if status.direction == Direction::Back && !status.completed("park-template") {
        let path = status.restore_point.as_ref().map(|point| point.path.clone());
        let start = Start { job_id: job_id(&world.uid(), status.direction, status.attempt + 1), path };
        return Decision::act("park-template", Effect::WriteDeployments { start });
    }
    if let Some(halt) = &mut status.halt {
        halt.at_rest = Some(world.time());
    }
    Decision::record(status)
}
