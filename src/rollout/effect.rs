//! The closed list of what a rollout may do to the world, and what comes back.

use std::time::Duration;

use super::{offers::Refusal, operation::Operation, proof::ClearHaProof};
use crate::{
    api::{Component, FlinkApplicationStatus, FlinkRolloutStatus, JobId, Plan},
    bake::Start,
    flink::StopRequest,
    record::ClaimOutcome,
};

/// How often to look while something is expected within a second, and while not.
pub(super) const POLL_FAST: Duration = Duration::from_millis(250);
pub(super) const POLL_SLOW: Duration = Duration::from_secs(1);

/// The next step.
#[derive(Debug, Clone)]
pub enum Step {
    /// Write this status, then look again.
    Record(Box<FlinkRolloutStatus>),
    /// Record the intent under this name, then carry it out.
    Act(Operation, Box<Effect>),
    /// Look again after this time.
    Wait(Duration),
    /// The rollout is at its end; `decide` turns it into the steps that record it.
    End(Box<crate::api::RolloutResult>),
    /// Nothing is left to do.
    Done,
}

impl Step {
    pub(super) fn act(operation: Operation, effect: Effect) -> Self {
        Self::Act(operation, Box::new(effect))
    }

    pub(super) fn record(status: FlinkRolloutStatus) -> Self {
        Self::Record(Box::new(status))
    }
}

/// What a rollout may do. Each can be repeated: a crash between effect and record does no harm.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Put our finalizer on the rollout.
    AddFinalizer,
    /// Claim the application.
    Claim,
    /// Release the claim of a rollout that ended or is gone.
    ReleaseStaleClaim {
        /// Its uid.
        uid: String,
    },
    /// Bake and check the target, and write its revision record.
    Plan,
    /// Create the immutable `ConfigMaps` and Secrets of the target and of what runs.
    CreateVersionedObjects,
    /// Ask Flink to stop the job with a savepoint.
    StopWithSavepoint {
        /// The job.
        job: JobId,
        /// How.
        request: StopRequest,
    },
    /// Stop the pods of a component.
    Stop(Component),
    /// Read the status of the stop at the pod's own address, which lets a held `JobManager` go.
    ReleaseJobManager {
        /// Name of the pod.
        pod: String,
        /// The job.
        job: JobId,
        /// Id of the stop.
        trigger_id: String,
    },
    /// Back up the HA `ConfigMaps`, then delete exactly them.
    ClearHa {
        /// The proof that it may be done.
        proof: ClearHaProof,
    },
    /// Apply everything but the two Deployments, and delete what only the other revision has.
    ApplyObjects,
    /// Write both Deployments, still at 0 replicas.
    WriteWorkloads {
        /// Job id and start state.
        start: Start,
    },
    /// Scale both Deployments up.
    Start {
        /// Replicas of the `TaskManager` Deployment.
        task_managers: i32,
    },
    /// Write what the rollout leaves in the application's history.
    WriteHistory {
        /// The application's status as it shall be.
        status: Box<FlinkApplicationStatus>,
    },
    /// Delete the revision record and the versioned objects of a rollout that deployed nothing.
    DiscardRevision {
        /// Its number.
        revision: u32,
    },
    /// Release the claim and take the finalizer off.
    Finish,
}

/// What came back from an effect.
#[derive(Debug, Clone)]
pub enum EffectResult {
    /// It was carried out.
    Done,
    /// How the claim went.
    Claimed(ClaimOutcome),
    /// The plan.
    Planned(Box<Plan>),
    /// It will never be possible as it is; nothing was changed.
    Refused(Refusal),
    /// Not now; the reason is recorded and it is tried again until the stage's deadline.
    NotNow(String),
}
