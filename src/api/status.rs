//! The status of a rollout: facts only, from which what to do next is computed.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    decision::DecisionRecord,
    halt::{Halt, PastHalt},
    leadership::Leadership,
    plan::Plan,
    restore_point::{RestorePoint, SavepointCandidate},
    stage::Stage,
    start_from::StartFrom,
    started_job::{StartedJob, Watch},
    time::Time,
};

/// Where a rollout stands. Only the controller writes it.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlinkRolloutStatus {
    /// One word for people: the stage, `Halted`, or the kind of the result.
    #[serde(default)]
    #[schemars(length(max = 32))]
    pub phase: String,
    /// One sentence for people: what the rollout waits for, or why it ended.
    #[serde(default)]
    #[schemars(length(max = 2048))]
    pub message: String,
    /// Number of the lease under which the status was written. It never goes back, so a process that lost the lease cannot write.
    #[serde(default)]
    pub epoch: i64,
    /// The revision number that the rollout took with the claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// Whether the rollout goes forward to the target, or back to what ran before.
    #[serde(default)]
    pub direction: Direction,
    /// The stage that the rollout is in.
    #[serde(default)]
    pub stage: Stage,
    /// When this stage must have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Time>,
    /// How often the current direction was started. Every operation id and job id depends on it.
    #[serde(default)]
    pub attempt: u32,
    /// What will be applied, and what it replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// The state that the rollout returns to. Once set, it never changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_point: Option<RestorePoint>,
    /// The savepoint of the stop, as soon as Flink shows that it is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub savepoint_candidate: Option<SavepointCandidate>,
    /// The job that the last Deploy or Restore started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<StartedJob>,
    /// The leaders of Flink's HA metadata. Metadata of a live leader is never deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leadership: Option<Leadership>,
    /// Flink's counters when the watch began, and how the probes stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<Watch>,
    /// Every change that the rollout made or is about to make. The intent is recorded first.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub operations: Vec<OperationRecord>,
    /// The stages that the rollout entered, in order.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub stages: Vec<StageRecord>,
    /// Why the rollout turned back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// What the rollout waits for that can come by itself. It is absent while the stage makes its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// Why the rollout waits for a person. It is absent unless the rollout is halted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halt: Option<Halt>,
    /// The halts that are over, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub past_halts: Vec<PastHalt>,
    /// How often the rollout continued by itself after a halt, since a person last decided.
    #[serde(default)]
    pub continuations: u32,
    /// What the controller did with each decision.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub decisions: Vec<DecisionRecord>,
    /// Milliseconds from the completion of the savepoint until all vertices were running again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downtime_millis: Option<i64>,
    /// The period in which a job that should have been stopped may have emitted records again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicates: Option<Duplicates>,
    /// The result that is about to be recorded. What is observed meanwhile does not change it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<RolloutResult>,
    /// How the rollout ended. Once set, the status never changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<RolloutResult>,
}

impl FlinkRolloutStatus {
    /// The phase: one word for people, derived from the result, the halt and the stage.
    #[must_use]
    pub fn derived_phase(&self) -> String {
        match (&self.result, &self.halt) {
            (Some(result), _) => result.kind.to_string(),
            (None, Some(_)) => "Halted".to_owned(),
            (None, None) => self.stage.to_string().replace(' ', ""),
        }
    }

    /// The state as a person says it.
    #[must_use]
    pub fn state_in_words(&self) -> String {
        match (&self.result, &self.halt, self.direction) {
            (Some(result), _, _) => result.kind.to_string(),
            (None, Some(_), _) => format!("Halted in {}", self.stage),
            (None, None, Direction::Forward) => self.stage.to_string(),
            (None, None, Direction::Back) => format!("Rolling back: {}", self.stage),
        }
    }
}

/// The direction of a rollout.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash, JsonSchema)]
pub enum Direction {
    /// To the target.
    #[default]
    Forward,
    /// To what ran before.
    Back,
}

/// One stage that the rollout entered.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StageRecord {
    /// Name of the stage.
    pub stage: Stage,
    /// Direction of the rollout in this stage.
    pub direction: Direction,
    /// When the rollout entered the stage.
    pub started_at: Time,
    /// When the rollout left the stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
    /// How the stage ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<StageOutcome>,
    /// What proved the end of the stage, in one sentence.
    #[serde(default)]
    #[schemars(length(max = 1024))]
    pub evidence: String,
}

/// How a stage ended.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub enum StageOutcome {
    /// The stage did its work.
    Done,
    /// The stage failed.
    Failed,
    /// The stage had nothing to do.
    Skipped,
}

/// A change to the cluster or to Flink. Its intent is recorded before it is carried out.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperationRecord {
    /// Name of the operation, with the direction and the attempt.
    #[schemars(length(max = 64))]
    pub name: String,
    /// Id of the operation: 32 hex digits from the rollout's uid, the direction, the attempt and the name.
    #[schemars(length(max = 64))]
    pub id: String,
    /// When the intent was recorded.
    pub started_at: Time,
    /// When the operation was carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Time>,
    /// Why the last attempt failed, while the operation is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub last_error: Option<String>,
}

/// What a rollout waits for that can come by itself.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// The sign that is waited out, by its name in docs/health.md.
    #[schemars(length(max = 64))]
    pub sign: String,
    /// Since when the sign was seen without a pause.
    pub since: Time,
}

/// Why a rollout turned back.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The stage that failed.
    pub stage: Stage,
    /// What happened, and what to do about it.
    #[schemars(length(max = 2048))]
    pub message: String,
    /// When the stage failed.
    pub at: Time,
}

/// A period in which duplicate records are possible.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Duplicates {
    /// Start of the period.
    pub from: Time,
    /// End of the period.
    pub to: Time,
}

/// How a rollout ended.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutResult {
    /// The kind of result.
    pub kind: ResultKind,
    /// Why the rollout ended like this, in one sentence.
    #[schemars(length(max = 2048))]
    pub message: String,
    /// When the rollout ended.
    pub at: Time,
    /// Other start states that a new rollout could use, each with what it costs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub choices: Vec<Choice>,
}

/// Another start state for a new rollout.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// The state that a new rollout would start from.
    pub start_from: StartFrom,
    /// What this choice costs, above all how much is processed again or lost.
    #[schemars(length(max = 1024))]
    pub cost: String,
}

/// How a rollout can end.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub enum ResultKind {
    /// The target runs, and the watch found it healthy.
    Succeeded,
    /// The previous version runs again, from the restore point.
    RolledBack,
    /// Nothing was changed.
    Untouched,
    /// A first deployment failed. It is scaled to 0 replicas, and there is nothing to return to.
    Failed,
    /// A person gave up on a halted rollout.
    Abandoned,
}

impl fmt::Display for ResultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Succeeded => "Succeeded",
            Self::RolledBack => "RolledBack",
            Self::Untouched => "Untouched",
            Self::Failed => "Failed",
            Self::Abandoned => "Abandoned",
        })
    }
}
