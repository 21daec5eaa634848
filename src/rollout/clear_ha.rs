//! Clear HA: while Flink's HA metadata is there, a new JobManager recovers the old job and ignores the savepoint (seen on 2.2.1).

use super::{
    Decision, Effect, SOON,
    progress::{StatusExt as _, halt},
    world::World,
};
use crate::{
    api::{Direction, FlinkRollout, RestorePoint, Stage, StageOutcome},
    cluster::{HaConfigMaps, PodsGone},
};

/// A restore point that is in the record: comes only from a recorded status.
#[derive(Debug, Clone)]
pub struct RecordedRestorePoint {
    point: RestorePoint,
}

impl RecordedRestorePoint {
    /// The restore point of a rollout as the API server returned it.
    #[must_use]
    pub fn of(rollout: &FlinkRollout) -> Option<Self> {
        rollout.metadata.resource_version.as_ref()?;
        rollout.status.as_ref()?.restore_point.clone().map(|point| Self { point })
    }

    /// It.
    #[must_use]
    pub fn point(&self) -> &RestorePoint {
        &self.point
    }
}

/// The proof without which no HA metadata is deleted: a recorded restore point and no pod of either Deployment, seen in the same
/// reconcile; and exactly what is deleted.
#[derive(Debug, Clone)]
pub struct ClearHaProof {
    restore_point: RecordedRestorePoint,
    maps: HaConfigMaps,
}

impl ClearHaProof {
    /// Puts the proofs together.
    #[must_use]
    pub fn new(
        restore_point: RecordedRestorePoint,
        _job_manager: PodsGone,
        _task_manager: PodsGone,
        maps: HaConfigMaps,
    ) -> Self {
        Self { restore_point, maps }
    }

    /// What may be deleted.
    #[must_use]
    pub fn maps(&self) -> &HaConfigMaps {
        &self.maps
    }

    /// The restore point that stands in for it.
    #[must_use]
    pub fn restore_point(&self) -> &RestorePoint {
        self.restore_point.point()
    }
}

pub(super) fn decide(world: &World) -> Decision {
    let mut status = world.status();
    if world.ha.items.is_empty() {
        let next = if status.direction == Direction::Forward { Stage::Deploy } else { Stage::Restore };
        let outcome = if status.completed("clear-ha") { StageOutcome::Done } else { StageOutcome::Skipped };
        let evidence = if outcome == StageOutcome::Done { "backed up and deleted" } else { "no HA metadata was left" };
        status.advance(world, outcome, evidence, next);
        return Decision::record(status);
    }
    if world.past_deadline() {
        let names: Vec<String> = world.ha.items.iter().filter_map(|map| map.metadata.name.clone()).collect();
        let why = format!(
            "the HA metadata could not be cleared ({}); nothing is started over it. Everything is at 0 replicas: mend the cause, then resume",
            names.join(", ")
        );
        return Decision::record(halt(world, status, &why, true, Vec::new()));
    }
    let proof =
        RecordedRestorePoint::of(&world.rollout).zip(world.job_manager.pods_gone()).zip(world.task_manager.pods_gone());
    match proof {
        Some(((point, job_manager), task_manager)) => Decision::act(
            "clear-ha",
            Effect::ClearHa { proof: ClearHaProof::new(point, job_manager, task_manager, world.ha.clone()) },
        ),
        None if status.restore_point.is_none() => {
            let why = "there is HA metadata but no restore point to stand in for it: delete it by hand if its state may be lost, then resume";
            Decision::record(halt(world, status, why, true, Vec::new()))
        }
        None => {
            // A pod came back (somebody scaled it up): the stop is done again.
            if world.job_manager.replicas() > 0 || world.task_manager.replicas() > 0 {
                status.advance(world, StageOutcome::Failed, "a pod came back", Stage::Stop);
                return Decision::record(status);
            }
            Decision::Wait(SOON)
        }
    }
}
