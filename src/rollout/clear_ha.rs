//! Clear HA: while Flink's HA metadata is there, a new JobManager recovers the old job and ignores the savepoint (seen on 2.2.1).

use super::{
    Decision, Effect, SOON,
    progress::{StatusExt as _, halt},
    start,
    world::World,
};
use crate::{
    api::{Direction, FlinkRollout, RestorePoint, Stage, StageOutcome, StartFromKind},
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

/// What stands in for the state that HA metadata leads to.
#[derive(Debug, Clone)]
pub enum InItsPlace {
    /// A recorded restore point.
    RestorePoint(RecordedRestorePoint),
    /// Nothing, as somebody asked for by name, of an application that ran no job.
    Nothing(EmptyStart),
}

/// An empty start that was asked for by name while no job ran: comes only from a rollout as the API server returned it.
#[derive(Debug, Clone)]
pub struct EmptyStart {
    _proof: (),
}

impl EmptyStart {
    /// The empty start that a rollout asks for.
    #[must_use]
    pub fn of(rollout: &FlinkRollout) -> Option<Self> {
        rollout.metadata.resource_version.as_ref()?;
        let status = rollout.status.as_ref()?;
        let nothing_ran = status.plan.as_ref()?.before.as_ref().is_none_or(|before| before.job_id.is_none());
        let asked = rollout.spec.request.start_from.from == StartFromKind::Nothing;
        (asked && nothing_ran && status.restore_point.is_none()).then_some(Self { _proof: () })
    }
}

/// The proof without which no HA metadata is deleted: what stands in its place and no pod of either Deployment, seen in the same
/// reconcile; and exactly what is deleted.
#[derive(Debug, Clone)]
pub struct ClearHaProof {
    in_its_place: InItsPlace,
    maps: HaConfigMaps,
}

impl ClearHaProof {
    /// Puts the proofs together.
    #[must_use]
    pub fn new(in_its_place: InItsPlace, _job_manager: PodsGone, _task_manager: PodsGone, maps: HaConfigMaps) -> Self {
        Self { in_its_place, maps }
    }

    /// What may be deleted.
    #[must_use]
    pub fn maps(&self) -> &HaConfigMaps {
        &self.maps
    }

    /// Path of the restore point that stands in for it; none where an empty start was asked for.
    #[must_use]
    pub fn start_path(&self) -> Option<&str> {
        match &self.in_its_place {
            InItsPlace::RestorePoint(recorded) => Some(&recorded.point().path),
            InItsPlace::Nothing(_) => None,
        }
    }
}

/// What a rollout has to put in the place of HA metadata.
pub(super) fn in_its_place(rollout: &FlinkRollout) -> Option<InItsPlace> {
    let point = RecordedRestorePoint::of(rollout).map(InItsPlace::RestorePoint);
    point.or_else(|| EmptyStart::of(rollout).map(InItsPlace::Nothing))
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
    let instead = in_its_place(&world.rollout);
    let nothing_instead = instead.is_none();
    let proof = instead.zip(world.job_manager.pods_gone()).zip(world.task_manager.pods_gone());
    match proof {
        Some(((instead, job_manager), task_manager)) => Decision::act(
            "clear-ha",
            Effect::ClearHa { proof: ClearHaProof::new(instead, job_manager, task_manager, world.ha.clone()) },
        ),
        None if nothing_instead => {
            let why = "there is HA metadata but no restore point to stand in for it: delete it by hand if its state may be lost, then resume";
            Decision::record(halt(world, status, why, true, Vec::new()))
        }
        None => {
            // A pod came back (somebody scaled it up): the stop is done again.
            if world.job_manager.replicas() > 0 || world.task_manager.replicas() > 0 {
                return start::again(world, status, "a pod came back");
            }
            Decision::Wait(SOON)
        }
    }
}
