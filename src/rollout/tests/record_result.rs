//! What the result of an effect adds to the record.

use super::*;
use crate::{
    record::ClaimOutcome,
    rollout::{EffectResult, StatusExt as _, record_result},
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
