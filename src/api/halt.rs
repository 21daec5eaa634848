//! Why and since when a rollout is halted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{stage::Stage, time::Time};

/// A rollout that waits for a person.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Halt {
    /// The stage that the rollout halted in.
    pub stage: Stage,
    /// The kind of the halt. It decides whether the rollout can continue by itself.
    #[serde(default)]
    pub kind: HaltKind,
    /// Why the rollout halted, and what can be done.
    #[schemars(length(max = 2048))]
    pub message: String,
    /// Whether the application is scaled down to 0 replicas.
    pub parked: bool,
    /// When the application had reached 0 replicas. From then on the controller does not scale it down again unless someone sends
    /// Resume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_rest: Option<Time>,
    /// Exact commands for the person who takes over.
    #[serde(default)]
    #[schemars(length(max = 8))]
    pub commands: Vec<String>,
    /// When the rollout halted.
    pub at: Time,
}

/// A halt that is over.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PastHalt {
    /// The stage that the rollout halted in.
    pub stage: Stage,
    /// How many stages the rollout had entered by then.
    pub stages: u32,
    /// Why the rollout halted.
    #[schemars(length(max = 512))]
    pub message: String,
    /// When it went on.
    pub until: Time,
}

/// Why a rollout is halted. docs/health.md says which kinds continue by themselves, and after which proof.
#[derive(
    Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema, strum::VariantArray, strum::Display,
)]
pub enum HaltKind {
    /// Only a person can decide how it goes on.
    #[default]
    NeedsDecision,
    /// The previous version could not be brought back, and the application is at 0 replicas.
    Parked,
    /// Pods are still there after the scale-down.
    PodsRemain,
    /// Something else scales the Deployments up again and again.
    ScaledUpAgain,
    /// Objects could not be written, or HA metadata could not be cleared.
    NotWritten,
    /// The job never appeared. Its Deployments are left at their replicas.
    NotStarted,
    /// The job was restored, but not all its tasks run. It is left as it is.
    StartTooSlow,
    /// Flink does not answer, although its pods are Ready. They are left running.
    OutOfSight,
    /// The version runs but is not healthy. It is left running.
    Unhealthy,
    /// Somebody else changed what the rollout deployed.
    ForeignChange,
}
