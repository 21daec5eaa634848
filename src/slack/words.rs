//! The words for decisions: each is typed after `/flink`, and behind `rollout.` it is the action id of its button.

use crate::api::DecisionKind;

const DECISIONS: [(DecisionKind, &str); 6] = [
    (DecisionKind::Approve, "approve"),
    (DecisionKind::Reject, "reject"),
    (DecisionKind::Abort, "abort"),
    (DecisionKind::RollBack, "roll-back"),
    (DecisionKind::Resume, "resume"),
    (DecisionKind::GiveUp, "give-up"),
];

/// The word for a decision.
pub(super) fn word(decision: DecisionKind) -> &'static str {
    DECISIONS.into_iter().find(|(known, _)| *known == decision).map_or("", |(_, word)| word)
}

/// The decision that a word stands for.
pub(super) fn decision(word: &str) -> Option<DecisionKind> {
    DECISIONS.into_iter().find(|(_, known)| *known == word).map(|(decision, _)| decision)
}
