//! Clear HA: while Flink's HA metadata is there, a new JobManager recovers the old job and ignores the savepoint (seen on 2.2.1).

use crate::{
    api::{Direction, Stage, StageOutcome},
    rollout::{
        effect::{Effect, POLL_FAST, Step},
        needs::Needs,
        operation::Operation,
        proof::{ClearHaProof, next_start},
        transition::{StatusExt as _, halt, restart_from_stop},
        world::World,
    },
};

pub(super) const NEEDS: Needs = Needs::CLUSTER;

pub(super) fn next_step(world: &World) -> Step {
    let mut status = world.status();
    if world.ha.items.is_empty() {
        let next = if status.direction == Direction::Forward { Stage::Deploy } else { Stage::Restore };
        let outcome = if status.completed(Operation::ClearHa) { StageOutcome::Done } else { StageOutcome::Skipped };
        let evidence = if outcome == StageOutcome::Done { "backed up and deleted" } else { "no HA metadata was left" };
        status.advance(world, outcome, evidence, next);
        return Step::record(status);
    }
    if world.past_deadline() {
        let names: Vec<String> = world.ha.items.iter().filter_map(|map| map.metadata.name.clone()).collect();
        let why = format!(
            "the HA metadata could not be cleared ({}); nothing is started over it. Everything is at 0 replicas: mend the cause, then resume",
            names.join(", ")
        );
        return Step::record(halt(world, status, &why, true, Vec::new()));
    }
    let instead = next_start(&world.rollout);
    let nothing_instead = instead.is_none();
    let proof = instead.zip(world.workloads.job_manager.pods_gone()).zip(world.workloads.task_manager.pods_gone());
    match proof {
        Some(((instead, job_manager), task_manager)) => Step::act(
            Operation::ClearHa,
            Effect::ClearHa { proof: ClearHaProof::new(instead, job_manager, task_manager, world.ha.clone()) },
        ),
        None if nothing_instead => {
            let why = "there is HA metadata but no restore point to stand in for it: delete it by hand if its state may be lost, then resume";
            Step::record(halt(world, status, why, true, Vec::new()))
        }
        None => {
            // A pod came back (somebody scaled it up): the stop is done again.
            if world.workloads.job_manager.replicas() > 0 || world.workloads.task_manager.replicas() > 0 {
                return restart_from_stop(world, status, "a pod came back");
            }
            Step::Wait(POLL_FAST)
        }
    }
}
