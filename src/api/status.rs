//! The status of a rollout: facts only, from which what to do next is computed.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Time, decision::DecisionRecord, plan::Plan, restore_point::RestorePoint, start_from::StartFrom};

/// Where a rollout stands. Only the controller writes it.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlinkRolloutStatus {
    /// One word for people: the stage, `Halted`, or the result.
    #[serde(default)]
    #[schemars(length(max = 32))]
    pub phase: String,
    /// One sentence for people: what it waits for, or why it ended.
    #[serde(default)]
    #[schemars(length(max = 2048))]
    pub message: String,
    /// Which process writes: never lower than before.
    #[serde(default)]
    pub epoch: i64,
    /// The revision number taken with the claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// Which way it goes.
    #[serde(default)]
    pub direction: Direction,
    /// The stage it is in.
    #[serde(default)]
    pub stage: Stage,
    /// When this stage must have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Time>,
    /// How often this direction was begun; part of every operation id and job id.
    #[serde(default)]
    pub attempt: u32,
    /// The plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// What the rollout goes back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_point: Option<RestorePoint>,
    /// The job that the last Deploy or Restore started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<StartedJob>,
    /// What was seen when watching began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<Watch>,
    /// Every effect: its intent and its proof.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub operations: Vec<OperationRecord>,
    /// The stages that were entered, in order.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub stages: Vec<StageRecord>,
    /// Why it turned back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Set while it waits for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halt: Option<Halt>,
    /// What became of each decision.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub decisions: Vec<DecisionRecord>,
    /// From the savepoint's completion to all vertices running, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downtime_millis: Option<i64>,
    /// Between which moments a job that should have been stopped may have emitted again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicates: Option<Duplicates>,
    /// The end that was decided and is about to be recorded: what is seen meanwhile does not change it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<RolloutResult>,
    /// How it ended. Once set, the status is frozen.
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

/// The stages, in the words of the design's table.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash, JsonSchema)]
pub enum Stage {
    /// Claim, read, bake, check.
    #[default]
    Plan,
    /// Wait for people.
    Approve,
    /// Stop with a savepoint.
    Savepoint,
    /// Scale to zero and wait until no pod is left.
    Stop,
    /// Delete the HA metadata.
    #[serde(rename = "ClearHA")]
    ClearHa,
    /// Write and start the target.
    Deploy,
    /// Write and start what ran before.
    Restore,
    /// Prove that it was restored from its start state and runs.
    Verify,
    /// Watch it.
    Monitor,
}

impl Stage {
    /// Whether the plan of the rollout can still be approved or rejected.
    #[must_use]
    pub fn is_before_approval(self) -> bool {
        match self {
            Self::Plan | Self::Approve => true,
            Self::Savepoint
            | Self::Stop
            | Self::ClearHa
            | Self::Deploy
            | Self::Restore
            | Self::Verify
            | Self::Monitor => false,
        }
    }

    /// Whether the job has not been stopped in this stage or an earlier one.
    #[must_use]
    pub fn is_before_stop(self) -> bool {
        self.is_before_approval() || self == Self::Savepoint
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plan => "Plan",
            Self::Approve => "Approve",
            Self::Savepoint => "Savepoint",
            Self::Stop => "Stop",
            Self::ClearHa => "Clear HA",
            Self::Deploy => "Deploy",
            Self::Restore => "Restore",
            Self::Verify => "Verify",
            Self::Monitor => "Monitor",
        })
    }
}

/// Which way a rollout goes.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash, JsonSchema)]
pub enum Direction {
    /// To the target.
    #[default]
    Forward,
    /// To what ran before.
    Back,
}

/// One stage that was entered.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StageRecord {
    /// The stage.
    pub stage: Stage,
    /// Its direction.
    pub direction: Direction,
    /// When it was entered.
    pub started_at: Time,
    /// When it was left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
    /// How it was left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<StageOutcome>,
    /// The evidence, in one sentence.
    #[serde(default)]
    #[schemars(length(max = 1024))]
    pub evidence: String,
}

/// How a stage was left.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub enum StageOutcome {
    /// With its proof.
    Done,
    /// With a failure.
    Failed,
    /// Without having had anything to do.
    Skipped,
}

/// An effect: recorded before it is carried out, completed when it was.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperationRecord {
    /// What it is.
    #[schemars(length(max = 64))]
    pub name: String,
    /// 32 hex digits derived from the rollout's uid, direction, attempt and the name.
    #[schemars(length(max = 64))]
    pub id: String,
    /// When the intent was recorded.
    pub started_at: Time,
    /// When it was carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Time>,
    /// The last reason why it was not, while it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub last_error: Option<String>,
}

/// A job that a Deploy or Restore started.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StartedJob {
    /// Its id: fresh for each direction and attempt.
    pub job_id: String,
    /// Path of its start state; none for an empty start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_path: Option<String>,
    /// When Flink said that it restored exactly that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored_at: Option<Time>,
    /// When every vertex was RUNNING.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running_at: Option<Time>,
}

/// The counters when watching began, and how the probes stand.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Watch {
    /// When every vertex was running and settling began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settling_since: Option<Time>,
    /// When watching began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watching_since: Option<Time>,
    /// `counts.restored` of `/checkpoints` when the start was proven: rises by 1 at each restart.
    pub restored: u64,
    /// `counts.completed` when watching began.
    pub completed: u64,
    /// Restarts since.
    pub restarts: u64,
    /// Checkpoints completed since watching began.
    pub checkpoints: u64,
    /// When the probes last counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probed_at: Option<Time>,
    /// When the newest exception that was known as watching began had happened, milliseconds since 1970 by Flink's clock, 0 for none;
    /// absent while Flink has not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_exception: Option<i64>,
    /// Failures in a row of each probe of the users' own.
    #[serde(default)]
    pub probe_failures: std::collections::BTreeMap<String, u32>,
}

/// Why a rollout turned back.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The stage it happened in.
    pub stage: Stage,
    /// What happened, in words that help.
    #[schemars(length(max = 2048))]
    pub message: String,
    /// When.
    pub at: Time,
}

/// A rollout that waits for a person.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Halt {
    /// The stage it halted in.
    pub stage: Stage,
    /// Why, and what can be done.
    #[schemars(length(max = 2048))]
    pub message: String,
    /// Whether everything goes to 0 replicas.
    pub parked: bool,
    /// Since when it is at rest there: from then on it belongs to the person, and nothing is scaled down any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_rest: Option<Time>,
    /// Exact commands for a person.
    #[serde(default)]
    #[schemars(length(max = 8))]
    pub commands: Vec<String>,
    /// When.
    pub at: Time,
}

/// Between which moments duplicates are possible.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Duplicates {
    /// From.
    pub from: Time,
    /// To.
    pub to: Time,
}

/// How a rollout ended.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutResult {
    /// The kind of end.
    pub kind: ResultKind,
    /// Why, in one sentence.
    #[schemars(length(max = 2048))]
    pub message: String,
    /// When.
    pub at: Time,
    /// Where a new rollout could start from instead, each with what it costs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub choices: Vec<Choice>,
}

/// Another start state that a new rollout may be asked for with.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// What it would start from.
    pub start_from: StartFrom,
    /// What that costs: above all how much is processed again, or lost.
    #[schemars(length(max = 1024))]
    pub cost: String,
}

/// The ends a rollout can have.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub enum ResultKind {
    /// The target runs and was watched.
    Succeeded,
    /// What ran before runs again, from the restore point.
    RolledBack,
    /// Nothing was changed.
    Untouched,
    /// A first deployment did not work: 0 replicas, nothing to return to.
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
