//! The next step of a rollout, the effects that it can have on the cluster, and their results.

use std::time::Duration;

use super::{offers::Refusal, operation::Operation, proof::ClearHaProof};
use crate::{
    api::{Component, FlinkApplicationStatus, FlinkRolloutStatus, JobId, PerComponent, Plan},
    bake::Start,
    flink::StopRequest,
    record::ClaimOutcome,
};

/// How often to look while a change is expected within a second.
pub(super) const POLL_FAST: Duration = Duration::from_millis(250);
pub(super) const POLL_SLOW: Duration = Duration::from_secs(1);

/// The next step.
#[derive(Debug, Clone)]
pub enum Step {
    /// Write this status, then look again.
    Record(Box<FlinkRolloutStatus>),
    /// Record the intent of this operation, then carry out its effect.
    Act(Operation, Box<Effect>),
    /// Look again after this time.
    Wait(Duration),
    /// The rollout is at its end. `next_step` turns this into the steps that record it.
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

/// What a rollout does to the cluster. Every effect can be repeated, so a crash between effect and record does no harm.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Put our finalizer on the rollout.
    AddFinalizer,
    /// Claim the application.
    Claim,
    /// Release the claim of a rollout that ended or is gone.
    ReleaseStaleClaim { uid: String },
    /// Bake and check the target, and write its revision record.
    Plan,
    /// Create the immutable `ConfigMaps` and Secrets of the target and of what runs.
    CreateVersionedObjects,
    /// Ask Flink to stop the job with a savepoint.
    StopWithSavepoint { job: JobId, request: StopRequest },
    /// Stop the pods of a component.
    Stop(Component),
    /// Read the status of the stop at the pod's own address. A `JobManager` that waits for this read then exits.
    ReleaseJobManager {
        pod: String,
        /// The job.
        job: JobId,
        trigger_id: String,
    },
    /// Back up the HA `ConfigMaps`, then delete exactly these.
    ClearHa { proof: ClearHaProof },
    /// Apply all objects but the two workloads, and delete the objects that only the other revision has. A Service or an Ingress of the
    /// previous version stays until the new version is proven.
    ApplyObjects,
    /// Write both workloads. They stay at 0 replicas.
    WriteWorkloads {
        /// Job id and start state.
        start: Start,
    },
    /// Scale both workloads up.
    Start {
        /// Replicas of the `TaskManager` Deployment.
        task_managers: i32,
    },
    /// Delete the Services and Ingresses that only the previous version has.
    DeleteAddresses,
    /// Write the application's history.
    WriteHistory {
        /// The new status of the application.
        status: Box<FlinkApplicationStatus>,
    },
    /// Delete the revision record and the versioned objects of a rollout that deployed nothing.
    DiscardRevision { revision: u32 },
    /// Release the claim and take the finalizer off.
    Finish,
}

/// The result of an effect.
#[derive(Debug, Clone)]
pub enum EffectResult {
    Done,
    Claimed(ClaimOutcome),
    Planned(Box<Plan>),
    /// Both workloads were written, and their pod templates have these digests.
    Written(PerComponent<String>),
    /// It cannot succeed without a change by a person. Nothing was changed.
    Refused(Refusal),
    /// It failed for now. The reason is recorded, and the effect is tried again until the stage's deadline.
    NotNow(String),
}
