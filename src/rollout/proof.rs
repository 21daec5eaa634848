//! The proofs without which no HA metadata is deleted.

use crate::{
    api::{FlinkRollout, PerComponent, RestorePoint, StartFromKind},
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
pub enum NextStart {
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
        let nothing_ran = status.plan.as_ref()?.current.as_ref().is_none_or(|current| current.job.is_none());
        let asked = rollout.spec.request.start_from.from == StartFromKind::Nothing;
        (asked && nothing_ran && status.restore_point.is_none()).then_some(Self { _proof: () })
    }
}

/// The proof without which no HA metadata is deleted: what stands in its place and no pod of either Deployment, seen in the same
/// reconcile; and exactly what is deleted.
#[derive(Debug, Clone)]
pub struct ClearHaProof {
    next_start: NextStart,
    maps: HaConfigMaps,
}

impl ClearHaProof {
    /// Puts the proofs together.
    #[must_use]
    pub fn new(next_start: NextStart, _pods_gone: PerComponent<PodsGone>, maps: HaConfigMaps) -> Self {
        Self { next_start, maps }
    }

    /// What may be deleted.
    #[must_use]
    pub fn maps(&self) -> &HaConfigMaps {
        &self.maps
    }

    /// Path of the restore point that stands in for it; none where an empty start was asked for.
    #[must_use]
    pub fn start_path(&self) -> Option<&str> {
        match &self.next_start {
            NextStart::RestorePoint(recorded) => Some(&recorded.point().path),
            NextStart::Nothing(_) => None,
        }
    }
}

/// What a rollout has to put in the place of HA metadata.
pub(super) fn next_start(rollout: &FlinkRollout) -> Option<NextStart> {
    let point = RecordedRestorePoint::of(rollout).map(NextStart::RestorePoint);
    point.or_else(|| EmptyStart::of(rollout).map(NextStart::Nothing))
}
