//! Approve: waits for as many approvers as asked, bound to the plan's digest.

use std::collections::BTreeSet;

use super::{Decision, LATER, end, progress::StatusExt as _, world::World};
use crate::api::{DecisionKind, FlinkApplication, FlinkRollout, RequestKind, Stage, StageOutcome};

pub(super) fn decide(world: &World) -> Decision {
    let mut status = world.status();
    let Some(plan) = status.plan.clone() else {
        return end::untouched(world, "the plan is gone; start a new rollout", Vec::new());
    };
    if let Some(rival) = world.rivals.iter().find(|rival| rival.kind == RequestKind::RollBack) {
        return end::untouched(world, &format!("superseded: the roll back {} goes first", rival.name), Vec::new());
    }
    let people = approvers(world.application.as_ref(), &world.rollout, &plan.digest);
    if people.len() >= plan.approvals_needed as usize {
        let names: Vec<&str> = people.iter().map(String::as_str).collect();
        let (outcome, evidence) = if plan.approvals_needed == 0 {
            (StageOutcome::Skipped, "no approval needed".to_owned())
        } else {
            (StageOutcome::Done, format!("approved by {}", names.join(", ")))
        };
        status.advance(world, outcome, &evidence, Stage::Savepoint);
        return Decision::record(status);
    }
    if world.after_deadline() {
        let why = format!("expired: {} of {} approvals came in time", people.len(), plan.approvals_needed);
        return end::untouched(world, &why, Vec::new());
    }
    let message =
        format!("waits for {} of {} approvals", plan.approvals_needed as usize - people.len(), plan.approvals_needed);
    if status.message != message {
        status.message = message;
        return Decision::record(status);
    }
    Decision::Wait(LATER)
}

/// The different people whose approval of this digest counts.
pub(super) fn approvers(
    application: Option<&FlinkApplication>,
    rollout: &FlinkRollout,
    digest: &str,
) -> BTreeSet<String> {
    let approvals = rollout.spec.decisions.iter().filter(|decision| decision.kind == DecisionKind::Approve);
    approvals
        .filter(|decision| decision.plan_digest.as_deref() == Some(digest))
        .filter(|decision| decision.by != rollout.spec.request.by && may_approve(application, &decision.by))
        .map(|decision| decision.by.clone())
        .collect()
}

/// Whether a person's approval counts. That of a Slack user was checked by the bot, which alone can write it.
pub(super) fn may_approve(application: Option<&FlinkApplication>, by: &str) -> bool {
    match by.strip_prefix("kubernetes:") {
        Some(user) => application
            .is_some_and(|application| application.spec.approvals.kubernetes_users.iter().any(|name| name == user)),
        None => by.starts_with("slack:"),
    }
}
