//! What a rollout goes back to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Time;

/// What a rollout goes back to: always taken of what runs now.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestorePoint {
    /// Its name: that of the rollout that took it.
    pub name: String,
    /// A savepoint, or a checkpoint where no savepoint could be taken.
    pub kind: RestorePointKind,
    /// Path as Flink knows it.
    #[schemars(length(max = 2048))]
    pub path: String,
    /// Size of the state in bytes, where Flink says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// The job it was taken of.
    pub job_id: String,
    /// When Flink triggered it, by Flink's clock.
    pub at: Time,
    /// The revision that can read it: the one it was taken of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
}

/// What a restore point is in Flink's words.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub enum RestorePointKind {
    /// A savepoint taken by a stop.
    Savepoint,
    /// A retained checkpoint.
    Checkpoint,
    /// A savepoint whose job failed while stopping: transactions may be uncommitted.
    UncommittedSavepoint,
}
