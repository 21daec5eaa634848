//! Clear HA: deletes Flink's HA metadata.
//!
//! While the metadata is there, a new JobManager recovers the old job and ignores the savepoint (seen on Flink 2.2.1).

use crate::{
    api::{Direction, FlinkRolloutStatus, HaltKind, Stage, StageOutcome},
    rollout::{
        effect::{Effect, POLL_FAST, POLL_SLOW, Step},
        leadership::{LeaderVerdict, judge_leaders},
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
    if world.is_past_deadline() {
        let names: Vec<String> = world.ha.items.iter().filter_map(|map| map.metadata.name.clone()).collect();
        let why = format!(
            "the HA metadata could not be cleared ({}); nothing is started over it. Everything is at 0 replicas: mend the cause, then resume",
            names.join(", ")
        );
        return Step::record(halt(world, status, HaltKind::NotWritten, &why));
    }
    let Some(next_start) = next_start(&world.rollout) else {
        let why = "there is HA metadata but no restore point to stand in for it: delete it by hand if its state may be lost, then resume";
        return Step::record(halt(world, status, HaltKind::NeedsDecision, why));
    };
    match world.pods_gone() {
        Some(pods_gone) => match judge_leaders(world, &status) {
            LeaderVerdict::Undecided => Step::Wait(POLL_SLOW),
            LeaderVerdict::Changed(status) => Step::Record(status),
            LeaderVerdict::Alive { description, status } => halt_before_live_leader(world, *status, &description),
            LeaderVerdict::NoneAlive => {
                let proof = ClearHaProof::new(next_start, pods_gone, world.ha.clone());
                Step::act(Operation::ClearHa, Effect::ClearHa { proof })
            }
        },
        // Somebody scaled it up again, so it is stopped again.
        None if world.is_scaled_up() => restart_from_stop(world, status, "a pod came back"),
        None => Step::Wait(POLL_FAST),
    }
}

/// Deleting the metadata of a live leader ends that leader, and two JobManagers would then share one cluster id.
fn halt_before_live_leader(world: &World, status: FlinkRolloutStatus, description: &str) -> Step {
    let why = format!(
        "{description}, although no pod of this application is left. Nothing was deleted, and the application is at 0 replicas. Find that \
         JobManager by its kubernetes.cluster-id and stop it, or correct the cluster id; then resume"
    );
    // Parking would clear the metadata too.
    Step::record(halt(world, status, HaltKind::NeedsDecision, &why))
}
