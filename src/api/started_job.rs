//! The job that a rollout started: how its start went, and how it is watched.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{component::PerComponent, job_id::JobId, plan::Checkpointing, state_path::StatePath, time::Time};

/// A job that a Deploy or Restore started.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StartedJob {
    /// Flink's id of the job. Each direction and attempt has a new one.
    pub job_id: JobId,
    /// Path of the state that the job starts from. It is absent for an empty start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_path: Option<StatePath>,
    /// When Flink confirmed that the job was restored from exactly this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored_at: Option<Time>,
    /// When every vertex was RUNNING.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running_at: Option<Time>,
    /// SHA-256 of the pod template of each component, as the API server answered to the write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub templates: Option<PerComponent<String>>,
    /// Whether the job runs with Flink's adaptive scheduler, which restores a job when it rescales it.
    #[serde(default)]
    pub adaptive: bool,
    /// How the started job takes checkpoints. It can differ from what ran before. It is absent if Flink did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpointing: Option<Checkpointing>,
    /// How far the start has come.
    #[serde(default)]
    pub progress: u64,
    /// The ends of the JobManager's container during the start and the watch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<JobManagerEnds>,
}

impl StartedJob {
    /// A job that is about to be started.
    #[must_use]
    pub fn new(job_id: JobId, start_path: Option<StatePath>) -> Self {
        Self {
            job_id,
            start_path,
            restored_at: None,
            running_at: None,
            templates: None,
            adaptive: false,
            checkpointing: None,
            progress: 0,
            ends: None,
        }
    }
}

/// The ends of the JobManager's container since the job was started.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobManagerEnds {
    /// How often the container ended.
    pub count: u32,
    /// How often it ended in a row with the same cause as the last time.
    pub same_cause: u32,
    /// Exit code of the last end.
    pub code: i32,
    /// Why it ended, from the last log that could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub cause: Option<String>,
    /// When it ended the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
}

/// Flink's counters when the watch began, and how the probes stand.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Watch {
    /// When every vertex was RUNNING, and the job began to settle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settling_since: Option<Time>,
    /// When the watch began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watching_since: Option<Time>,
    /// Flink's `counts.restored` of `/checkpoints` when the start was proven. Flink adds 1 at each restart.
    pub restored: u64,
    /// Flink's `counts.completed` of `/checkpoints` when the watch began.
    pub completed: u64,
    /// How often the job restarted since the start was proven.
    pub restarts: u64,
    /// How many checkpoints completed since the watch began.
    pub checkpoints: u64,
    /// When the probes were last counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probed_at: Option<Time>,
    /// When the newest exception happened that was known before the watch, in milliseconds since 1970 by Flink's clock. 0 means
    /// that there was none. Absent while Flink has not answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_exception: Option<i64>,
    /// Failures in a row of each probe, by the name of the probe.
    #[serde(default)]
    pub probe_failures: std::collections::BTreeMap<String, u32>,
    /// When the JobManager that is watched started the job, in milliseconds since 1970 by its clock. A later time means that another
    /// JobManager has recovered the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_started: Option<i64>,
    /// How often another JobManager recovered the job. Each counts as one restart.
    #[serde(default)]
    pub recoveries: u64,
    /// Flink's `counts.failed` of `/checkpoints` when every task was RUNNING.
    #[serde(default)]
    pub failed: u64,
}
