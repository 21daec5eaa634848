//! What Plan finds out and decides, once: the rest of the rollout makes no choices of its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    application::{HighAvailability, MonitorSettings, SavepointSettings, ServicePort},
    component::PerComponent,
    job_id::JobId,
    state_path::StatePath,
    time::Time,
};

/// What will be applied, what it replaces, and the settings that were in force.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// SHA-256 over both revision records: what Deploy applies, and what a way back applies. It also covers the start state that the
    /// request names, and the uids and template hashes of what is replaced.
    #[schemars(length(max = 80))]
    pub digest: String,
    /// How many approvals the plan needs.
    pub approvals_needed: u32,
    /// When the plan expires without enough approvals.
    pub expires_at: Time,
    /// Whether nothing ran before. Then there is nothing to roll back to.
    pub first_deployment: bool,
    /// Number of the revision that runs now. It is absent at a first deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_revision: Option<u32>,
    /// SHA-256 of the revision record of what runs now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub previous_record_digest: Option<String>,
    /// The version that runs now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_version: Option<String>,
    /// The version that will run.
    pub to_version: String,
    /// What runs now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Current>,
    /// What will run.
    pub target: Target,
    /// The application's settings at the time of the plan.
    pub settings: Settings,
    /// The differences, one per line. Secret values are not shown.
    #[schemars(length(max = 60))]
    pub changes: Vec<String>,
    /// What may go wrong although the plan is possible, one sentence per line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub warnings: Vec<String>,
}

/// What runs now, in enough detail to recognise it and to bring it back.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Current {
    /// The running job. It is absent if no job runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<RunningJob>,
    /// Flink's version, from `flink-version` of Flink's `/config`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flink_version: Option<String>,
    /// The Deployment of each component.
    #[serde(flatten)]
    pub workloads: PerComponent<WorkloadSnapshot>,
    /// The two HA ids that Flink reports.
    pub high_availability: HighAvailability,
}

/// The job that runs now.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunningJob {
    /// Flink's id of the job.
    pub id: JobId,
    /// The last completed checkpoint. It is absent if the job has completed none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_checkpoint: Option<LastCheckpoint>,
    /// SHA-256 of Flink's effective configuration, without the options that differ in every container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration_digest: Option<String>,
    /// What was not as it should be before the rollout.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub conditions: Vec<KnownCondition>,
    /// How the job takes checkpoints. It is absent if Flink did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpointing: Option<Checkpointing>,
    /// Flink's description of the job's restart strategy. It is absent if Flink did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub restart_strategy: Option<String>,
    /// The parallelism of the job's widest vertex. It is absent if Flink did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallelism: Option<u32>,
    /// Name of the job's own HA `ConfigMap`. Flink deletes it when the job ends for good. It is absent if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub ha_config_map: Option<String>,
}

/// Something that was not as it should be before the rollout. If the new version shows the same, going back would not help.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KnownCondition {
    /// Kind of the condition.
    pub kind: ConditionKind,
    /// What was seen, in words for people.
    #[schemars(length(max = 1024))]
    pub text: String,
}

/// Kinds of conditions that a job can have before a rollout.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub enum ConditionKind {
    /// Some vertices have finished, because their input is bounded.
    VerticesFinished,
    /// The last checkpoint failed.
    CheckpointsFail,
    /// Fewer TaskManagers are Ready than the Deployment asks for.
    TaskManagersMissing,
}

/// How a job takes checkpoints, from Flink's `/jobs/:id/checkpoints/config`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Checkpointing {
    /// `execution.checkpointing.interval` in milliseconds. It is absent if the job takes no periodic checkpoints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_millis: Option<u64>,
    /// `execution.checkpointing.min-pause` in milliseconds.
    #[serde(default)]
    pub min_pause_millis: u64,
    /// `execution.checkpointing.timeout` in milliseconds.
    #[serde(default)]
    pub timeout_millis: u64,
    /// Whether Flink keeps the checkpoints of the job if it becomes FAILED. It is absent if Flink did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retained_on_failure: Option<bool>,
}

impl Checkpointing {
    /// The longest pause between two periodic checkpoints, in milliseconds. It is absent if the job takes none.
    #[must_use]
    pub fn longest_pause_millis(&self) -> Option<u64> {
        self.interval_millis.map(|interval| interval.max(self.min_pause_millis))
    }
}

/// How many seconds a watch needs until so many checkpoints have completed. It may begin right after a checkpoint.
#[must_use]
pub fn watch_seconds_for(checkpointing: &Checkpointing, wanted: u64) -> u64 {
    let Some(pause) = checkpointing.longest_pause_millis() else { return 0 };
    if wanted == 0 { 0 } else { pause.saturating_mul(wanted + 1).div_ceil(1000) }
}

/// A completed checkpoint.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastCheckpoint {
    /// Path of the checkpoint, as Flink sees it.
    #[schemars(length(max = 2048))]
    pub path: StatePath,
    /// When Flink triggered the checkpoint, by Flink's clock.
    pub at: Time,
    /// Size of the state in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
}

/// One Deployment, the `ReplicaSet` that owns its live pods, and its replica count, which `ReplicaSets` do not keep.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadSnapshot {
    /// Name of the Deployment.
    pub deployment: String,
    /// Uid of the Deployment.
    pub uid: String,
    /// The Deployment's `spec.replicas`.
    pub replicas: i32,
    /// Name of the `ReplicaSet` that owns the live pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica_set: Option<String>,
    /// Uid of that `ReplicaSet`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica_set_uid: Option<String>,
    /// SHA-256 of the Deployment's pod template, without the label that the Deployment controller adds.
    pub template_digest: String,
    /// Ids of the images that the live pods run, sorted.
    #[serde(default)]
    pub image_ids: Vec<String>,
}

/// What will run.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// Number of the new revision.
    pub revision: u32,
    /// Replicas of the `TaskManager` Deployment that the target starts with.
    pub task_manager_replicas: i32,
    /// Whether the live replica count is kept, because an autoscaler owns it or the chart names none. It is read again before the
    /// stop.
    #[serde(default)]
    pub keeps_replicas: bool,
    /// SHA-256 of the target's revision record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub record_digest: Option<String>,
    /// The target's `kubernetes.cluster-id`. It can differ from what runs now.
    pub kubernetes_cluster_id: String,
}

/// The application's settings that the rollout runs under.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// Name of the Deployment of each component.
    #[serde(flatten)]
    pub deployments: PerComponent<String>,
    /// The Service in front of Flink's REST API.
    pub rest_service: ServicePort,
    /// Where and how savepoints are taken.
    pub savepoint: SavepointSettings,
    /// How a new version is watched.
    pub monitor: MonitorSettings,
    /// Seconds without any progress of the start after which it has failed.
    pub start_deadline_seconds: u32,
    /// Seconds that the whole start may take, even while it makes progress.
    #[serde(default = "super::default_start_total")]
    pub start_total_seconds: u32,
    /// Seconds without any progress of a start on the way back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_start_seconds: Option<u32>,
    /// Whether an unhealthy version is rolled back automatically.
    pub automatic_rollback: bool,
}
