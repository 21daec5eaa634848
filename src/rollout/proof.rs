//! The proofs without which no HA metadata is deleted.

use crate::{
    api::{FlinkRollout, PerComponent, RestorePoint, StartFromKind},
    cluster::{HaConfigMaps, PodsGone},
};

/// A restore point that is recorded. It comes only from a status that the API server returned.
#[derive(Debug, Clone)]
pub struct RecordedRestorePoint {
    point: RestorePoint,
}

impl RecordedRestorePoint {
    /// The recorded restore point of a rollout, if it has one.
    #[must_use]
    pub fn of(rollout: &FlinkRollout) -> Option<Self> {
        rollout.metadata.resource_version.as_ref()?;
        rollout.status.as_ref()?.restore_point.clone().map(|point| Self { point })
    }

    #[must_use]
    pub fn point(&self) -> &RestorePoint {
        &self.point
    }
}

/// The state that the new job starts from once the HA metadata is deleted.
#[derive(Debug, Clone)]
pub enum NextStart {
    RestorePoint(RecordedRestorePoint),
    /// No state: a person asked for an empty start by name, and no job ran.
    Nothing(EmptyStart),
}

/// An empty start that a person asked for by name while no job ran. It comes only from a status that the API server returned.
#[derive(Debug, Clone)]
pub struct EmptyStart {
    _proof: (),
}

impl EmptyStart {
    /// The empty start that a rollout asks for, if it does.
    #[must_use]
    pub fn of(rollout: &FlinkRollout) -> Option<Self> {
        rollout.metadata.resource_version.as_ref()?;
        let status = rollout.status.as_ref()?;
        let nothing_ran = status.plan.as_ref()?.current.as_ref().is_none_or(|current| current.job.is_none());
        let asked = rollout.spec.request.start_from.from == StartFromKind::Nothing;
        (asked && nothing_ran && status.restore_point.is_none()).then_some(Self { _proof: () })
    }
}

/// The proof that HA metadata may be deleted: the next start state is known, and no pod of either workload is left. It names exactly the
/// `ConfigMaps` that may be deleted.
#[derive(Debug, Clone)]
pub struct ClearHaProof {
    next_start: NextStart,
    maps: HaConfigMaps,
}

impl ClearHaProof {
    /// Combines the proofs of one reconcile.
    #[must_use]
    pub fn new(next_start: NextStart, _pods_gone: PerComponent<PodsGone>, maps: HaConfigMaps) -> Self {
        Self { next_start, maps }
    }

    /// The `ConfigMaps` that may be deleted.
    #[must_use]
    pub fn maps(&self) -> &HaConfigMaps {
        &self.maps
    }

    /// Path of the state that the next job starts from; `None` for an empty start.
    #[must_use]
    pub fn start_path(&self) -> Option<&str> {
        match &self.next_start {
            NextStart::RestorePoint(recorded) => Some(&recorded.point().path),
            NextStart::Nothing(_) => None,
        }
    }
}

/// What the next job of a rollout starts from, as far as it is recorded.
pub(super) fn next_start(rollout: &FlinkRollout) -> Option<NextStart> {
    let point = RecordedRestorePoint::of(rollout).map(NextStart::RestorePoint);
    point.or_else(|| EmptyStart::of(rollout).map(NextStart::Nothing))
}
