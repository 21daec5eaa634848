//! What people say to a running rollout: the append-only `spec.decisions`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::{person::Person, time::Time};

/// One decision of a person about a rollout. It is never changed or removed.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// Id of the decision. A decision with the same id has no effect, so a repeated click counts once.
    #[schemars(length(min = 1, max = 64))]
    pub id: String,
    /// What the person decided.
    pub kind: DecisionKind,
    /// Who decided: `slack:<team>/<user>` or `kubernetes:<user name>`.
    #[schemars(length(min = 1, max = 253))]
    pub by: Person,
    /// When the person decided.
    pub at: Time,
    /// Digest of the plan that the person looked at. An approval of another plan does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 80))]
    pub plan_digest: Option<String>,
    /// The reason, in the person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub reason: Option<String>,
}

/// What a person can decide.
#[derive(
    Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema, EnumString, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
pub enum DecisionKind {
    /// The plan may be carried out.
    Approve,
    /// The plan must not be carried out. The rollout ends as Untouched.
    Reject,
    /// The rollout stops. Before the stop of the job it ends as Untouched, after it the previous version comes back.
    Abort,
    /// The previous version comes back.
    RollBack,
    /// A halted rollout tries the same stage again, with a new deadline.
    Resume,
    /// A halted rollout ends as Abandoned and releases the application.
    GiveUp,
}

impl DecisionKind {
    /// The word that stands for it in commands and buttons, such as `give-up`.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.into()
    }
}

/// What the controller did with a decision.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecisionRecord {
    /// Id of the decision.
    pub id: String,
    /// Whether the decision had an effect.
    pub result: DecisionResult,
    /// What was done, or why the decision was refused.
    pub message: String,
    /// When the controller answered the decision.
    pub at: Time,
}

/// Whether a decision had an effect.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub enum DecisionResult {
    /// The decision was carried out.
    Applied,
    /// The decision had no effect: it came too early or too late, or the person may not decide this.
    Refused,
}
