//! Approve: waits for the approvals that the plan needs. Each approval is bound to the digest of the plan.

use crate::{
    api::{RequestKind, Stage, StageOutcome},
    rollout::{
        approvals::approvers,
        effect::{POLL_SLOW, Step},
        needs::Needs,
        transition::{StatusExt as _, end_untouched},
        world::World,
    },
};

pub(super) const NEEDS: Needs = Needs { rivals: true, ..Needs::NOTHING };

pub(super) fn next_step(world: &World) -> Step {
    let mut status = world.status();
    let Some(plan) = status.plan.clone() else {
        return end_untouched(world, "the plan is gone; start a new rollout", Vec::new());
    };
    if let Some(rival) = world.rivals.iter().find(|rival| rival.kind == RequestKind::RollBack) {
        return end_untouched(world, &format!("superseded: the roll back {} goes first", rival.name), Vec::new());
    }
    let people = approvers(world.application.as_ref(), &world.rollout, &plan.digest);
    if people.len() >= plan.approvals_needed as usize {
        let names: Vec<String> = people.iter().map(ToString::to_string).collect();
        let (outcome, evidence) = if plan.approvals_needed == 0 {
            (StageOutcome::Skipped, "no approval needed".to_owned())
        } else {
            (StageOutcome::Done, format!("approved by {}", names.join(", ")))
        };
        status.advance(world, outcome, &evidence, Stage::Savepoint);
        return Step::record(status);
    }
    if world.is_deadline_over() {
        let why = format!("expired: {} of {} approvals came in time", people.len(), plan.approvals_needed);
        return end_untouched(world, &why, Vec::new());
    }
    let message =
        format!("waits for {} of {} approvals", plan.approvals_needed as usize - people.len(), plan.approvals_needed);
    if status.message != message {
        status.message = message;
        return Step::record(status);
    }
    Step::Wait(POLL_SLOW)
}
