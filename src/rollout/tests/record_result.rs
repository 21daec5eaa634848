//! What the result of an effect adds to the record.

use super::*;
use crate::{
    record::ClaimOutcome,
    rollout::{EffectResult, Refusal, StatusExt as _, record_result},
};

#[test]
fn a_claim_that_another_rollout_took_first_is_not_completed() {
    let mut world = world(Stage::Plan);
    change_status(&mut world, |status| {
        status.revision = None;
        status.intend("u", Operation::Claim, now());
    });
    let claimed = |outcome| record_result(&world, world.status(), Operation::Claim, &EffectResult::Claimed(outcome));
    let busy = claimed(ClaimOutcome::Busy);
    assert!(!busy.completed(Operation::Claim) && busy.revision.is_none());
    let held = claimed(ClaimOutcome::Held(3));
    assert!(held.completed(Operation::Claim) && held.revision == Some(3));
}

#[test]
fn a_claim_that_the_api_server_refuses_ends_the_rollout() {
    let mut world = world(Stage::Plan);
    change_status(&mut world, |status| status.revision = None);
    let refused = EffectResult::Refused(Refusal::new("Kubernetes refused FlinkApplication orders"));
    let status = record_result(&world, world.status(), Operation::Claim, &refused);
    world.rollout.status = Some(status);
    assert_eq!(result_of(&world), (ResultKind::Untouched, "Kubernetes refused FlinkApplication orders".to_owned()));
}
