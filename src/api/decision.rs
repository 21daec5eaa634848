//! What people say to a running rollout: the append-only `spec.decisions`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::{Time, person::Person};

/// One thing a person said. Never changed or removed once it is there.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// For an approval a hash of kind and person, for the others of the Slack action; makes a repeat nothing.
    #[schemars(length(min = 1, max = 64))]
    pub id: String,
    /// What was said.
    pub kind: DecisionKind,
    /// Who said it: `slack:<team>/<user>` or `kubernetes:<user name>`.
    #[schemars(length(min = 1, max = 253))]
    pub by: Person,
    /// When.
    pub at: Time,
    /// Digest of the plan that was looked at; an approval of another plan does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 80))]
    pub plan_digest: Option<String>,
    /// Why, in the person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub reason: Option<String>,
}

/// What a person can say to a rollout.
#[derive(
    Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema, EnumString, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
pub enum DecisionKind {
    /// Go ahead with this plan.
    Approve,
    /// Do not go ahead.
    Reject,
    /// Stop it: untouched before the stop, rolled back after it.
    Abort,
    /// Go back to the previous version.
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

/// What became of a decision.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecisionRecord {
    /// The decision's id.
    pub id: String,
    /// What was done with it.
    pub result: DecisionResult,
    /// In words, for the person who decided.
    pub message: String,
    /// When.
    pub at: Time,
}

/// Whether a decision had an effect.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub enum DecisionResult {
    /// It was carried out.
    Applied,
    /// It came too late, too early or from somebody who may not.
    Refused,
}
