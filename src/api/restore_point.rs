//! What a rollout goes back to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{job_id::JobId, state_path::StatePath, time::Time};

/// The state that a rollout returns to. It is always taken from what runs now.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestorePoint {
    /// Name of the restore point: the name of the rollout that took it.
    pub name: String,
    /// Whether it is a savepoint, or a checkpoint because no savepoint could be taken.
    pub kind: RestorePointKind,
    /// Path of the savepoint or checkpoint, as Flink sees it.
    #[schemars(length(max = 2048))]
    pub path: StatePath,
    /// Size of the state in bytes, if Flink reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// Flink's id of the job whose state it is. It is absent if no job ran when the rollout began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
    /// When Flink triggered the savepoint or checkpoint, by Flink's clock.
    pub at: Time,
    /// Number of the revision whose state it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
}

/// A savepoint of the rollout's own stop that Flink has shown as complete. It becomes the restore point once the job has ended.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SavepointCandidate {
    /// Path of the savepoint, as Flink sees it.
    #[schemars(length(max = 2048))]
    pub path: StatePath,
    /// Size of the state in bytes, if Flink reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// When Flink triggered the savepoint, by Flink's clock.
    pub at: Time,
}

/// The kind of a restore point, in Flink's words.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub enum RestorePointKind {
    /// A savepoint that a stop took.
    Savepoint,
    /// A retained checkpoint.
    Checkpoint,
    /// A savepoint whose job failed while it stopped. Transactions of its sinks may be uncommitted.
    UncommittedSavepoint,
}
