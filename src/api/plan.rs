//! What Plan finds out and decides, once: the rest of the rollout makes no choices of its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Time,
    application::{HighAvailability, MonitorSettings, SavepointSettings, ServicePort},
};

/// A plan: what will be applied, what it replaces, and the settings it was made under.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// SHA-256 over what will be applied and the uids and template hashes of what it replaces.
    #[schemars(length(max = 80))]
    pub digest: String,
    /// How many approvals it needs.
    pub approvals_needed: u32,
    /// When it expires if they do not come.
    pub expires_at: Time,
    /// Whether nothing ran before: there is nothing to return to.
    pub first_deployment: bool,
    /// The revision that runs now; none at a first deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_revision: Option<u32>,
    /// The version that runs now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_version: Option<String>,
    /// The version it goes to.
    pub to_version: String,
    /// What runs now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
    /// What will run.
    pub target: Target,
    /// The application's settings as they were at Plan.
    pub settings: Settings,
    /// The differences, a line each, without secret values.
    #[schemars(length(max = 60))]
    pub changes: Vec<String>,
}

/// The metadata of what runs: all that is needed to know it again and to bring it back.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Before {
    /// The one job; none if the application is parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    /// `flink-version` of `/config`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flink_version: Option<String>,
    /// The `JobManager` Deployment.
    pub job_manager: WorkloadSnapshot,
    /// The `TaskManager` Deployment.
    pub task_manager: WorkloadSnapshot,
    /// Path of the last completed checkpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_checkpoint: Option<String>,
    /// When it was triggered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_checkpoint_at: Option<Time>,
    /// The two HA ids that Flink itself reports.
    pub high_availability: HighAvailability,
    /// SHA-256 of Flink's effective configuration, without what a new container sets anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration_digest: Option<String>,
}

/// One Deployment at a moment: the `ReplicaSet` that owns its live pods, and the replica count that `ReplicaSets` do not keep.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadSnapshot {
    /// Name of the Deployment.
    pub deployment: String,
    /// Its uid.
    pub uid: String,
    /// Its `spec.replicas`.
    pub replicas: i32,
    /// The `ReplicaSet` that owns the live pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica_set: Option<String>,
    /// Its uid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica_set_uid: Option<String>,
    /// SHA-256 of its pod template without the controller's own label.
    pub template_digest: String,
    /// Image ids that the live pods run, sorted.
    #[serde(default)]
    pub image_ids: Vec<String>,
}

/// What the target is.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// Its revision number.
    pub revision: u32,
    /// Replicas of the `TaskManager` Deployment it will run with.
    pub task_manager_replicas: i32,
    /// Whether that is the live count, read again right before the stop: an autoscaler owns it, or the chart names none.
    #[serde(default)]
    pub keeps_replicas: bool,
    /// Its `kubernetes.cluster-id`, which the bake may change.
    pub kubernetes_cluster_id: String,
}

/// The application's settings that the rollout runs under.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// Name of the `JobManager` Deployment.
    pub job_manager: String,
    /// Name of the `TaskManager` Deployment.
    pub task_manager: String,
    /// The REST Service.
    pub rest_service: ServicePort,
    /// Savepoints.
    pub savepoint: SavepointSettings,
    /// The watch.
    pub monitor: MonitorSettings,
    /// Seconds until every vertex must be RUNNING.
    pub start_deadline_seconds: u32,
    /// Whether an unhealthy version is rolled back without a person.
    pub automatic_rollback: bool,
}
