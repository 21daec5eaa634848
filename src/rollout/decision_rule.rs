//! Which decision is allowed now: one rule for the core, for the answers in Slack and for the buttons of the card.

use super::operation::{Operation, unknown_operation};
use crate::{
    api::{DecisionKind, Direction, FlinkRolloutStatus, Stage},
    rollout::transition::StatusExt as _,
};

/// A record has room for so many stages and a whole way back. A rollout that was resumed more often must be given up.
pub(super) const MAX_STAGES: usize = 48;

/// Why a decision is not carried out now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecisionRefusal {
    /// The rollout has ended.
    Ended,
    /// Only a plan that waits can be approved.
    NotWaitingForApproval,
    /// The decision names another plan than the one that waits.
    OtherPlan,
    /// The plan was approved already. `may_abort` says whether an abort is possible instead.
    ApprovedAlready { may_abort: bool },
    /// The rollout goes back already.
    RollingBack,
    /// A halted rollout cannot be aborted.
    Halted { may_roll_back: bool },
    /// Nothing was stopped yet, so there is nothing to go back to.
    NothingStopped { halted: bool },
    /// Only a halted rollout can be resumed or given up.
    NotHalted,
    /// The record has no room for another try.
    ResumedTooOften,
    /// Another version of Lockkeeper recorded an operation that this version does not know.
    OtherVersion { operation: String },
}

impl DecisionRefusal {
    /// The reason as the rest of a sentence about the rollout. `state` is the state that the rollout is in, in words.
    #[must_use]
    pub fn predicate(&self, state: &str) -> String {
        match self {
            Self::Ended => "has ended".to_owned(),
            Self::NotWaitingForApproval => format!("does not wait for approval: it is in {state}"),
            Self::OtherPlan => "has another plan by now: look at it again".to_owned(),
            Self::ApprovedAlready { may_abort } => {
                let instead = if *may_abort { ": abort it instead" } else { "" };
                format!("was approved already and is in {state}{instead}")
            }
            Self::RollingBack => "is rolling back already".to_owned(),
            Self::Halted { may_roll_back } => {
                let back = if *may_roll_back { ", roll it back" } else { "" };
                format!("is halted: resume it{back} or give up on it instead")
            }
            Self::NothingStopped { halted } => {
                let instead = if *halted { "resume it or give up on it" } else { "abort it" };
                format!("is in {state}, and nothing was stopped yet: {instead} instead")
            }
            Self::NotHalted => format!("is not halted: it is in {state}"),
            Self::ResumedTooOften => {
                "was resumed too often: give up on it, then start a new rollout from its restore point".to_owned()
            }
            Self::OtherVersion { operation } => format!(
                "was begun by another version of Lockkeeper, whose operation {operation} this version does not know: go on with that \
                 version, or give up on it"
            ),
        }
    }
}

/// Why a decision of this kind is not carried out now; none if it is. `plan_digest` is the digest of the plan that the person saw.
#[must_use]
pub fn decision_refusal(
    status: &FlinkRolloutStatus,
    kind: DecisionKind,
    plan_digest: Option<&str>,
) -> Option<DecisionRefusal> {
    if status.result.is_some() {
        return Some(DecisionRefusal::Ended);
    }
    if let Some(operation) = unknown_operation(status).filter(|_| kind != DecisionKind::GiveUp) {
        return Some(DecisionRefusal::OtherVersion { operation: operation.to_owned() });
    }
    // kubectl users may leave an empty digest in the decision: they saw no plan.
    let plan_digest = plan_digest.filter(|digest| !digest.is_empty());
    let halted = status.halt.is_some();
    match kind {
        DecisionKind::Approve => approve_refusal(status, plan_digest),
        DecisionKind::Reject if !status.stage.is_before_approval() || halted => {
            let may_abort = !halted && status.direction == Direction::Forward;
            Some(DecisionRefusal::ApprovedAlready { may_abort })
        }
        DecisionKind::Reject => {
            let other = plan_digest.is_some_and(|seen| status.plan.as_ref().is_some_and(|plan| plan.digest != seen));
            other.then_some(DecisionRefusal::OtherPlan)
        }
        DecisionKind::Abort | DecisionKind::RollBack if status.direction == Direction::Back => {
            Some(DecisionRefusal::RollingBack)
        }
        // Without a restore point there is no other way to bring it to 0 replicas.
        DecisionKind::Abort if halted && !status.stage.is_before_stop() && status.restore_point.is_none() => None,
        DecisionKind::Abort if halted => Some(DecisionRefusal::Halted { may_roll_back: may_roll_back(status) }),
        DecisionKind::RollBack => (!is_stopped(status)).then_some(DecisionRefusal::NothingStopped { halted }),
        DecisionKind::Resume | DecisionKind::GiveUp if !halted => Some(DecisionRefusal::NotHalted),
        DecisionKind::Resume => (status.stages.len() >= MAX_STAGES).then_some(DecisionRefusal::ResumedTooOften),
        DecisionKind::Abort | DecisionKind::GiveUp => None,
    }
}

fn approve_refusal(status: &FlinkRolloutStatus, plan_digest: Option<&str>) -> Option<DecisionRefusal> {
    let waiting = status.plan.as_ref().filter(|_| status.stage == Stage::Approve && status.halt.is_none());
    let Some(plan) = waiting else { return Some(DecisionRefusal::NotWaitingForApproval) };
    (plan_digest != Some(plan.digest.as_str())).then_some(DecisionRefusal::OtherPlan)
}

/// Whether a person may turn the rollout back now.
#[must_use]
pub fn may_roll_back(status: &FlinkRolloutStatus) -> bool {
    decision_refusal(status, DecisionKind::RollBack, None).is_none()
}

/// Whether the job was stopped and there is something to go back to.
fn is_stopped(status: &FlinkRolloutStatus) -> bool {
    status.restore_point.is_some() && !status.stage.is_before_stop()
}

/// Whether the stop was asked for: an abort then has to wait for what becomes of it.
pub(super) fn stop_was_asked_for(status: &FlinkRolloutStatus) -> bool {
    let asked = [Operation::StopWithSavepoint, Operation::ScaleDownForCheckpoint];
    asked.into_iter().any(|operation| status.operation(operation).is_some()) || status.restore_point.is_some()
}
