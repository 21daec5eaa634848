//! `FlinkRollout`: one attempt to move an application, created by the Slack handlers, kubectl or CI.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{decision::Decision, person::Person, start_from::StartFrom, status::FlinkRolloutStatus};

/// What is requested, and what people decided about it since.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "lockkeeper.dev",
    version = "v1alpha1",
    kind = "FlinkRollout",
    namespaced,
    status = "FlinkRolloutStatus",
    shortname = "flinkro",
    derive = "PartialEq",
    doc = "One attempt to move a FlinkApplication to a version",
    selectable = ".spec.request.application",
    printcolumn(name = "Application", type_ = "string", json_path = ".spec.request.application"),
    printcolumn(name = "From", type_ = "string", json_path = ".status.plan.fromVersion"),
    printcolumn(name = "To", type_ = "string", json_path = ".status.plan.toVersion"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Direction", type_ = "string", json_path = ".status.direction", priority = 1),
    printcolumn(name = "Restore point", type_ = "string", json_path = ".status.restorePoint.path", priority = 1),
    printcolumn(name = "By", type_ = "string", json_path = ".spec.request.by"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.message"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.spec.request == oldSelf.spec.request").message("spec.request is immutable: start a new rollout instead"),
    validation = Rule::new("oldSelf.hasValue() || !has(self.spec.decisions) || size(self.spec.decisions) == 0").message("a rollout is created without decisions").optional_old_self(true),
    validation = Rule::new("!has(oldSelf.spec.decisions) || (has(self.spec.decisions) && oldSelf.spec.decisions.all(d, self.spec.decisions.exists(e, e == d)))").message("spec.decisions is append-only"),
    validation = Rule::new("!has(oldSelf.status) || !has(oldSelf.status.result) || (has(self.status) && self.status == oldSelf.status)").message("an ended rollout is frozen"),
    validation = Rule::new("!has(oldSelf.status) || !has(oldSelf.status.restorePoint) || (has(self.status) && has(self.status.restorePoint) && self.status.restorePoint == oldSelf.status.restorePoint)").message("a restore point never changes once it is set"),
    validation = Rule::new("!has(oldSelf.status) || !has(oldSelf.status.epoch) || (has(self.status) && has(self.status.epoch) && self.status.epoch >= oldSelf.status.epoch)").message("the epoch never goes back: another process has taken over"),
    validation = Rule::new("!has(self.status) || !has(self.status.stage) || self.status.stage in ['Plan', 'Approve'] || (has(self.status.plan) && (self.status.plan.approvalsNeeded == 0 || (has(self.spec.decisions) && self.spec.decisions.filter(d, d.kind == 'Approve' && has(d.planDigest) && d.planDigest == self.status.plan.digest && d.by != self.spec.request.by).size() >= self.status.plan.approvalsNeeded)))").message("the plan does not have the approvals it needs"),
)]
#[serde(rename_all = "camelCase")]
pub struct FlinkRolloutSpec {
    /// What is requested. It cannot be changed.
    pub request: Request,
    /// What people decided since. The list is append-only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["id"]))]
    pub decisions: Vec<Decision>,
}

/// Who requests what, and which state the target starts from.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.kind == 'Deploy' ? has(self.version) && !has(self.revision) : !has(self.version)").message("a Deploy names a version; a RollBack may name a revision and nothing else")
)]
pub struct Request {
    /// Name of the `FlinkApplication` in the same namespace.
    #[schemars(
        length(min = 1, max = 40),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub application: String,
    /// Who requests it: `slack:<team>/<user>` or `kubernetes:<user name>`.
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^(slack|kubernetes):.+$"))]
    pub by: Person,
    /// The reason, in the person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub reason: Option<String>,
    /// Whether to deploy a version, or to roll back to a revision.
    pub kind: RequestKind,
    /// The version to deploy. Only for `Deploy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"))]
    pub version: Option<String>,
    /// Number of the revision to go back to, only for `RollBack`. Without it, the revision before the current one is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// The state that the target starts from.
    #[serde(default)]
    pub start_from: StartFrom,
}

/// What kind of change is requested.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub enum RequestKind {
    /// Render a version with the chart, and deploy it.
    Deploy,
    /// Deploy a revision that ran before.
    RollBack,
}
