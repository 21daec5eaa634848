//! `FlinkApplication`: one Flink application that Lockkeeper may move, written by the platform team.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{component::PerComponent, restore_point::RestorePoint, time::Time};

/// The settings of one application, written by the platform team. An edit takes effect with the next rollout, because Plan copies
/// what it needs.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "lockkeeper.dev",
    version = "v1alpha1",
    kind = "FlinkApplication",
    namespaced,
    status = "FlinkApplicationStatus",
    shortname = "flinkapp",
    derive = "PartialEq",
    doc = "One stateful Flink application that Lockkeeper takes from version to version",
    printcolumn(name = "Version", type_ = "string", json_path = ".status.version"),
    printcolumn(name = "Revision", type_ = "integer", json_path = ".status.revision"),
    printcolumn(name = "Rollout", type_ = "string", json_path = ".status.activeRollout.name"),
    printcolumn(name = "Parked", type_ = "date", json_path = ".status.parkedAt"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("size(self.metadata.name) <= 40").message("the name of a FlinkApplication is at most 40 characters long"),
)]
#[serde(rename_all = "camelCase")]
pub struct FlinkApplicationSpec {
    /// The Helm chart that renders the application.
    pub chart: Chart,
    /// Values for the chart, as in Helm's values file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "free_form")]
    pub values: Option<serde_json::Value>,
    /// The chart value that takes the version, as a dotted path such as `image.tag`.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$"))]
    pub version_value: String,
    /// The versions that may be deployed. Without this list, every well-formed version is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub versions: Option<Vec<String>>,
    /// Name of the `JobManager` Deployment.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub job_manager: String,
    /// Name of the `TaskManager` Deployment.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub task_manager: String,
    /// The Service in front of Flink's REST API.
    pub rest_service: ServicePort,
    /// Where and how savepoints are taken.
    pub savepoint: SavepointSettings,
    /// The two ids of Flink's Kubernetes high availability.
    pub high_availability: HighAvailability,
    /// Seconds without any progress of a start after which it has failed. Progress is a pod that gets a node, its image or Ready, and a
    /// task that reaches its next state.
    #[serde(default = "default_start_deadline")]
    #[schemars(range(min = 10, max = 86_400))]
    pub start_deadline_seconds: u32,
    /// Seconds until every task of the started job must be RUNNING, even while the start makes progress. A rollback always gets at
    /// least 3600 seconds.
    #[serde(default = "default_start_total")]
    #[schemars(range(min = 10, max = 604_800))]
    pub start_total_seconds: u32,
    /// Seconds without any progress of a start on the way back after which the rollout halts. The default is `startDeadlineSeconds`, but
    /// at least 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 10, max = 86_400))]
    pub rollback_start_seconds: Option<u32>,
    /// How a new version is watched.
    #[serde(default)]
    pub monitor: MonitorSettings,
    /// Whether an unhealthy version is rolled back automatically. If `false`, the rollout halts and asks a person.
    #[serde(default = "yes")]
    pub automatic_rollback: bool,
    /// Who has to approve a plan.
    #[serde(default)]
    pub approvals: Approvals,
    /// Who may deploy, roll back and decide.
    #[serde(default)]
    pub deployers: People,
    /// How much of the past is kept.
    #[serde(default)]
    pub retention: Retention,
    /// Id of the Slack channel that shows the rollouts, such as `C0123456789`. Without it, Slack shows nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub channel: Option<String>,
    /// What the chart may render although a rollout refuses it by default.
    #[serde(default)]
    #[schemars(length(max = 8))]
    pub allow: Vec<Allowance>,
}

impl FlinkApplicationSpec {
    /// Name of the Deployment of each component.
    #[must_use]
    pub fn deployments(&self) -> PerComponent<&str> {
        PerComponent { job_manager: &self.job_manager, task_manager: &self.task_manager }
    }
}

/// A Helm chart in the bot's file system.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Chart {
    /// Path of the chart's folder or package below the bot's folder of charts (`--charts`), or the absolute path of one that is there.
    #[schemars(length(min = 1, max = 1024))]
    pub path: String,
    /// Helm's release name. The default is the name of the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 53))]
    pub release_name: Option<String>,
}

/// A Service and the port to use.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServicePort {
    /// Name of the Service.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// Port number of the Service. The default is Flink's default REST port.
    #[serde(default = "default_rest_port")]
    #[schemars(range(min = 1, max = 65_535))]
    pub port: u16,
}

/// Where and how savepoints are taken.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SavepointSettings {
    /// Base directory as Flink sees it, such as `s3://flink/savepoints`. Each rollout writes into its own directory below it.
    #[schemars(length(min = 1, max = 1024))]
    pub directory: String,
    /// Flink's savepoint format.
    #[serde(default)]
    pub format: SavepointFormat,
    /// Seconds that a stop with a savepoint may take.
    #[serde(default = "default_savepoint_timeout")]
    #[schemars(range(min = 5, max = 86_400))]
    pub timeout_seconds: u32,
    /// The savepoint directory as the bot sees it, if the bot's pod mounts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_view: Option<LocalView>,
}

/// A folder that both Flink and the bot can read, under two names.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocalView {
    /// The beginning of Flink's paths into the folder, such as `file:/data`.
    pub prefix: String,
    /// The same folder in the bot's file system.
    pub path: String,
}

/// Savepoint formats of Flink 1.15 and later.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SavepointFormat {
    /// Flink's canonical format, which every state backend can read.
    #[default]
    Canonical,
    /// The state backend's own format. It is faster, but only this backend can read it.
    Native,
}

/// The two ids of Flink's Kubernetes high availability. Plan compares both with Flink's `/jobmanager/config`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HighAvailability {
    /// Flink's `kubernetes.cluster-id`: the prefix and the label of the HA `ConfigMaps`.
    #[schemars(
        length(min = 1, max = 45),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub kubernetes_cluster_id: String,
    /// Flink's `high-availability.cluster-id`: the storage path, and the source of the default job id.
    #[schemars(length(min = 1, max = 253))]
    pub cluster_id: String,
}

/// How a new version is watched before it counts as good.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MonitorSettings {
    /// Seconds to let the job settle before the watch begins.
    #[schemars(range(min = 0, max = 86_400))]
    pub stabilise_seconds: u32,
    /// Seconds that the watch takes.
    #[schemars(range(min = 1, max = 86_400))]
    pub watch_seconds: u32,
    /// Seconds that the watch may take at most, where the wanted checkpoints need more than `watchSeconds`.
    #[schemars(range(min = 1, max = 604_800))]
    pub watch_max_seconds: u32,
    /// How many restarts of the job are allowed during the watch. While the job settles, 2 more are allowed.
    #[schemars(range(min = 0, max = 1_000))]
    pub restarts_allowed: u32,
    /// How many checkpoints must complete during the watch.
    #[schemars(range(min = 0, max = 1_000))]
    pub checkpoints_wanted: u32,
    /// Your own health checks. Each is made at most every 3 seconds.
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub probes: Vec<Probe>,
}

impl Default for MonitorSettings {
    fn default() -> Self {
        Self {
            stabilise_seconds: 120,
            watch_seconds: 300,
            watch_max_seconds: 3600,
            restarts_allowed: 0,
            checkpoints_wanted: 2,
            probes: Vec::new(),
        }
    }
}

/// One health check of your own. It has exactly one of `http` and `flinkMetric`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.http) != has(self.flinkMetric)").message("a probe has exactly one of http and flinkMetric"))]
pub struct Probe {
    /// Name of the probe, as messages show it.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// How many failures in a row are allowed. One more makes the version unhealthy.
    #[serde(default)]
    pub failures_allowed: u32,
    /// An HTTP GET of a Service, through the API server's service proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpProbe>,
    /// A comparison of a Flink metric with a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flink_metric: Option<FlinkMetricProbe>,
}

/// A GET of a Service in the application's namespace.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpProbe {
    /// Name of the Service.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub service: String,
    /// Port number of the Service.
    pub port: u16,
    /// Path of the request, with a leading slash. Its parts are neither empty nor only dots, and have no `%`. A query may follow.
    // `Endpoint::path` has the same rule in code.
    #[schemars(
        length(max = 1024),
        regex(
            pattern = r"^/(\.*[A-Za-z0-9_~!$&()*+,=:@-][A-Za-z0-9._~!$&()*+,=:@-]*(/\.*[A-Za-z0-9_~!$&()*+,=:@-][A-Za-z0-9._~!$&()*+,=:@-]*)*/?)?(\?([A-Za-z0-9._~!$&()*+,=:@/?-]|%[0-9A-Fa-f]{2})*)?$"
        )
    )]
    pub path: String,
    /// The status code that counts as healthy.
    #[serde(default = "http_ok")]
    pub expect: u16,
}

/// A metric of the job, or of one vertex. A vertex metric is the sum over its subtasks.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlinkMetricProbe {
    /// Name of the vertex, or a part of the name. Without it, the metric is one of the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vertex: Option<String>,
    /// Name of the metric, as Flink's REST API lists it.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// How the metric is compared with `value`. The probe passes if the comparison is true.
    pub op: Comparison,
    /// The value that the metric is compared with, in the unit of the metric.
    pub value: f64,
}

/// How a metric is compared with a value.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub enum Comparison {
    /// Less than.
    #[serde(rename = "<")]
    Less,
    /// At most.
    #[serde(rename = "<=")]
    AtMost,
    /// Equal.
    #[serde(rename = "==")]
    Equal,
    /// At least.
    #[serde(rename = ">=")]
    AtLeast,
    /// Greater than.
    #[serde(rename = ">")]
    Greater,
}

/// Who has to approve a plan. The requester never counts.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Approvals {
    /// How many different people must approve. With 0, a plan starts without an approval.
    #[schemars(range(min = 0, max = 10))]
    pub required: u32,
    /// Ids of Slack user groups whose members may approve, such as `S0123456789`. If empty, everyone who may deploy may approve.
    #[schemars(length(max = 20))]
    pub groups: Vec<String>,
    /// Kubernetes user names whose approvals count. By default there are none.
    #[schemars(length(max = 50))]
    pub kubernetes_users: Vec<String>,
    /// Seconds until a plan without enough approvals expires.
    #[schemars(range(min = 10, max = 604_800))]
    pub timeout_seconds: u32,
}

impl Default for Approvals {
    fn default() -> Self {
        Self { required: 0, groups: Vec::new(), kubernetes_users: Vec::new(), timeout_seconds: 1800 }
    }
}

/// How much of the past is kept. Savepoints and checkpoints on disk are never deleted.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Retention {
    /// How many ended rollouts of the application are kept. Older ones are deleted, with the revision records, versioned copies and HA
    /// backups that no kept rollout, revision or restore point refers to.
    #[schemars(range(min = 1, max = 1_000))]
    pub rollouts: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { rollouts: 20 }
    }
}

/// People, by Slack id. If both lists are empty, nobody may act from Slack.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct People {
    /// Slack user ids, such as `U0123456789`.
    #[schemars(length(max = 200))]
    pub users: Vec<String>,
    /// Slack user group ids, such as `S0123456789`.
    #[schemars(length(max = 20))]
    pub groups: Vec<String>,
}

impl Comparison {
    /// Whether `value` compares so with `limit`.
    #[must_use]
    pub fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Less => value < limit,
            Self::AtMost => value <= limit,
            Self::Equal => (value - limit).abs() < f64::EPSILON,
            Self::AtLeast => value >= limit,
            Self::Greater => value > limit,
        }
    }
}

/// What a chart may render although a rollout refuses it by default.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Allowance {
    /// Volumes of kind hostPath.
    HostPath,
    /// Everything else that the level "baseline" of the Pod Security Standards refuses: privileged containers, the node's namespaces and
    /// ports, more capabilities, unconfined profiles.
    Privileged,
}

/// What Lockkeeper knows about an application. Only the controller writes it.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FlinkApplicationStatus {
    /// The rollout that holds the claim. No other rollout may change the application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_rollout: Option<ActiveRollout>,
    /// The last revision number that was handed out. Each rollout takes a new one, and none is used twice.
    pub last_sequence: u32,
    /// Number of the revision that runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// Version of the revision that runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The last 20 revisions that ran, newest last.
    pub revisions: Vec<Revision>,
    /// The last 10 restore points, newest last. Lockkeeper never deletes the savepoints and checkpoints themselves.
    pub restore_points: Vec<RestorePoint>,
    /// Since when the application is parked at 0 replicas, after a person gave up on its rollout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parked_at: Option<Time>,
}

/// The rollout that holds the claim.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActiveRollout {
    /// Name of the rollout.
    pub name: String,
    /// Uid of the rollout. A rollout that was created again under the same name does not hold the claim.
    pub uid: String,
    /// The revision number that the rollout took with the claim.
    pub revision: u32,
}

/// A version that ran. The Secret `<app>-rev-NNN` holds what is needed to run it again.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Revision {
    /// Number of the revision.
    pub number: u32,
    /// Version of the application.
    pub version: String,
    /// Name of the rollout that deployed it. It is absent for what ran before the first rollout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<String>,
    /// When the revision was proven healthy.
    pub at: Time,
    /// Replicas of the `TaskManager` Deployment when the revision last ran. They can differ from those it was deployed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_manager_replicas: Option<i32>,
    /// Seconds from the scale-up until every task was RUNNING, when the revision last started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_seconds: Option<u32>,
    /// SHA-256 of the revision's record. A record with another digest is not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub record_digest: Option<String>,
}

/// What a start may take where nobody says otherwise, seconds; what ran before may always take that long.
#[must_use]
pub fn default_start_deadline() -> u32 {
    300
}

/// What a whole start may take where nobody says otherwise, seconds.
#[must_use]
pub fn default_start_total() -> u32 {
    3600
}

fn default_rest_port() -> u16 {
    8081
}

fn default_savepoint_timeout() -> u32 {
    600
}

fn http_ok() -> u16 {
    200
}

fn yes() -> bool {
    true
}

fn free_form(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
}
