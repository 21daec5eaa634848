//! `FlinkApplication`: one Flink application that Lockkeeper may move, written by the platform team.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Time, restore_point::RestorePoint};

/// What the platform team says about one application. An edit acts on the next rollout: Plan copies what it needs.
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
    /// Values for the chart, as in a values file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "free_form")]
    pub values: Option<serde_json::Value>,
    /// The value that a version sets, as a dotted path such as `image.tag`.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$"))]
    pub version_value: String,
    /// The versions that exist. Without it any well-formed version is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub versions: Option<Vec<String>>,
    /// Name of the `JobManager` Deployment.
    #[schemars(length(min = 1, max = 253))]
    pub job_manager: String,
    /// Name of the `TaskManager` Deployment.
    #[schemars(length(min = 1, max = 253))]
    pub task_manager: String,
    /// The Service in front of Flink's REST API.
    pub rest_service: ServicePort,
    /// Where and how savepoints are taken.
    pub savepoint: SavepointSettings,
    /// Flink's two ids of Kubernetes high availability.
    pub high_availability: HighAvailability,
    /// How long the started job may take until every vertex is RUNNING, in seconds. What ran before has 300 at least.
    #[serde(default = "default_start_deadline")]
    #[schemars(range(min = 10, max = 86_400))]
    pub start_deadline_seconds: u32,
    /// How a new version is watched.
    #[serde(default)]
    pub monitor: MonitorSettings,
    /// Whether an unhealthy version is rolled back without a person; without it the rollout halts and asks.
    #[serde(default = "yes")]
    pub automatic_rollback: bool,
    /// Who has to approve a plan.
    #[serde(default)]
    pub approvals: Approvals,
    /// Who may deploy, roll back and decide.
    #[serde(default)]
    pub deployers: People,
    /// The Slack channel of the cards: its id, such as `C0123456789`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub channel: Option<String>,
    /// What the chart may render although a rollout refuses it by default.
    #[serde(default)]
    #[schemars(length(max = 8))]
    pub allow: Vec<Allowance>,
}

/// A chart in a folder that the bot can read.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Chart {
    /// Path of the chart's folder.
    #[schemars(length(min = 1, max = 1024))]
    pub path: String,
    /// Helm's release name; by default the name of the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 53))]
    pub release_name: Option<String>,
}

/// A Service and the port of it that serves.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServicePort {
    /// Name of the Service.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Port number; 8081 is Flink's default REST port.
    #[serde(default = "default_rest_port")]
    #[schemars(range(min = 1, max = 65_535))]
    pub port: u16,
}

/// Where and how savepoints are taken.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SavepointSettings {
    /// Base directory as Flink knows it; each rollout writes into a directory of its own below it.
    #[schemars(length(min = 1, max = 1024))]
    pub directory: String,
    /// Flink's savepoint format.
    #[serde(default)]
    pub format: SavepointFormat,
    /// How long a stop with a savepoint may take, in seconds.
    #[serde(default = "default_savepoint_timeout")]
    #[schemars(range(min = 5, max = 86_400))]
    pub timeout_seconds: u32,
    /// The savepoint directory as the bot itself sees it, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_view: Option<LocalView>,
}

/// A path of Flink's and the same place in the bot's own file system.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocalView {
    /// What Flink's paths begin with, such as `file:/data`.
    pub prefix: String,
    /// The folder that this is for the bot.
    pub path: String,
}

/// Savepoint formats of Flink 1.15 and later.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SavepointFormat {
    /// Works across state backends.
    #[default]
    Canonical,
    /// The backend's own format: faster, bound to the backend.
    Native,
}

/// Flink's two ids of Kubernetes high availability; Plan compares both with `/jobmanager/config`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HighAvailability {
    /// `kubernetes.cluster-id`: prefix and label of the HA `ConfigMaps`.
    #[schemars(length(min = 1, max = 45))]
    pub kubernetes_cluster_id: String,
    /// `high-availability.cluster-id`: storage path, and source of the default job id.
    #[schemars(length(min = 1, max = 253))]
    pub cluster_id: String,
}

/// How a new version is watched before it counts as good.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MonitorSettings {
    /// Seconds to let the job settle before watching.
    #[schemars(range(min = 0, max = 86_400))]
    pub stabilise_seconds: u32,
    /// Seconds to watch.
    #[schemars(range(min = 1, max = 86_400))]
    pub watch_seconds: u32,
    /// Restarts of the job allowed while watching.
    #[schemars(range(min = 0, max = 1_000))]
    pub restarts_allowed: u32,
    /// Checkpoints that must complete while watching.
    #[schemars(range(min = 0, max = 1_000))]
    pub checkpoints_wanted: u32,
    /// Probes of the users' own.
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub probes: Vec<Probe>,
}

impl Default for MonitorSettings {
    fn default() -> Self {
        Self {
            stabilise_seconds: 120,
            watch_seconds: 300,
            restarts_allowed: 0,
            checkpoints_wanted: 2,
            probes: Vec::new(),
        }
    }
}

/// One health check of the users' own: exactly one of `http` and `flinkMetric`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.http) != has(self.flinkMetric)").message("a probe has exactly one of http and flinkMetric"))]
pub struct Probe {
    /// What people read when it fails.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Failures in a row that are still allowed.
    #[serde(default)]
    pub failures_allowed: u32,
    /// A GET through the API server's service proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpProbe>,
    /// A comparison of a metric of Flink's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flink_metric: Option<FlinkMetricProbe>,
}

/// A GET of a Service in the application's namespace.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpProbe {
    /// Name of the Service.
    #[schemars(length(min = 1, max = 63))]
    pub service: String,
    /// Its port number.
    pub port: u16,
    /// Path with a leading slash.
    #[schemars(length(max = 1024), regex(pattern = r"^/[^\s]*$"))]
    pub path: String,
    /// The status code that counts as healthy; 200 by default.
    #[serde(default = "http_ok")]
    pub expect: u16,
}

/// A metric of the job, or of one vertex summed over its subtasks.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlinkMetricProbe {
    /// Name of the vertex, or a part of it; without it the metric is the job's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vertex: Option<String>,
    /// Name of the metric.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// How it is compared.
    pub op: Comparison,
    /// What it is compared with.
    pub value: f64,
}

/// Comparison of a metric with a value: the probe passes if it holds.
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
    /// How many different people; 0 starts at once.
    #[schemars(range(min = 0, max = 10))]
    pub required: u32,
    /// Slack user groups (ids such as `S0123456789`) whose members may approve; empty: whoever may deploy.
    #[schemars(length(max = 20))]
    pub groups: Vec<String>,
    /// Kubernetes user names whose approvals count; by default none.
    #[schemars(length(max = 50))]
    pub kubernetes_users: Vec<String>,
    /// Seconds until a plan that nobody approved expires.
    #[schemars(range(min = 10, max = 604_800))]
    pub timeout_seconds: u32,
}

impl Default for Approvals {
    fn default() -> Self {
        Self { required: 0, groups: Vec::new(), kubernetes_users: Vec::new(), timeout_seconds: 1800 }
    }
}

/// People, by Slack id. With both lists empty nobody may act from Slack.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct People {
    /// Slack user ids such as `U0123456789`.
    #[schemars(length(max = 200))]
    pub users: Vec<String>,
    /// Slack user group ids such as `S0123456789`.
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
    /// Privileged containers and the host's namespaces.
    Privileged,
}

/// What Lockkeeper knows of an application. Only the controller writes it.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FlinkApplicationStatus {
    /// The claim: the one rollout that may act.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_rollout: Option<ActiveRollout>,
    /// The last revision number handed out; one per rollout, never reused.
    pub last_sequence: u32,
    /// Number of the revision that runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The last 20 revisions that ran, newest last.
    pub revisions: Vec<Revision>,
    /// The last 10 restore points, newest last. Nothing on disk is ever deleted.
    pub restore_points: Vec<RestorePoint>,
    /// Since when the application is parked at 0 replicas after somebody gave up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parked_at: Option<Time>,
}

/// The rollout that holds the claim.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActiveRollout {
    /// Its name.
    pub name: String,
    /// Its uid: a rollout made again under the same name does not hold the claim.
    pub uid: String,
    /// The revision number it took with the claim.
    pub revision: u32,
}

/// A version that ran, with everything needed to run it again in the Secret `<app>-rev-NNN`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Revision {
    /// Its number.
    pub number: u32,
    /// Its version.
    pub version: String,
    /// The rollout that deployed it; none for what ran before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<String>,
    /// When it was proven good.
    pub at: Time,
    /// Replicas of the `TaskManager` Deployment that it ran with last, which may be others than it was deployed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_manager_replicas: Option<i32>,
}

/// What a start may take where nobody says otherwise, seconds; what ran before may always take that long.
#[must_use]
pub fn default_start_deadline() -> u32 {
    300
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
