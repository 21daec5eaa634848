//! The decision core: from what is recorded and what is seen to the one next step. No client, no clock, no randomness.
//!
//! | Stage | Forward | Back |
//! |---|---|---|
//! | Plan | claims, reads, bakes, checks | |
//! | Approve | waits for people | |
//! | Savepoint | stops the job with a savepoint: the point of no return | |
//! | Stop | scales to 0 and waits until no pod is left | the same |
//! | Clear HA | backs up and deletes the HA metadata | the same |
//! | Deploy / Restore | writes and starts the target | writes and starts what ran before |
//! | Verify | proves the restore; every vertex RUNNING | the same |
//! | Monitor | settles, then watches | the same |
//!
//! Until the stop a failure ends Untouched. After it, Forward turns Back; Back halts. Nothing loops.

mod approvals;
mod assessment;
mod configuration;
mod decisions;
mod effect;
mod end;
mod health;
mod ids;
mod offers;
mod operation;
mod parked;
mod proof;
mod record_result;
mod request;
mod stages;
#[cfg(test)]
mod tests;
mod transition;
mod world;

pub use assessment::assess;
pub use effect::{Effect, EffectResult, Step, Which};
pub use ids::{job_id, operation_id, own_directory};
pub use offers::Refusal;
pub use proof::{ClearHaProof, EmptyStart, NextStart, RecordedRestorePoint};
pub use record_result::record_result;
pub use request::unknown_version;
pub use transition::{StatusExt, halt, turn_back};
pub use world::{ClaimHolder, FlinkView, ProbeAnswer, Rival, SeenSavepoint, World};

use crate::api::ROLLOUT_FINALIZER;
use effect::POLL_SLOW;

/// The one next step of a rollout.
#[must_use]
pub fn next_step(world: &World) -> Step {
    match step(world) {
        Step::End(result) => end::proceed(world, &result),
        other => other,
    }
}

fn step(world: &World) -> Step {
    let status = world.status();
    if status.result.is_some() {
        return if world.has_finalizer() { Step::act("finish", Effect::Finish) } else { Step::Done };
    }
    if !world.has_finalizer() && world.rollout.metadata.deletion_timestamp.is_none() {
        return Step::act(ROLLOUT_FINALIZER, Effect::AddFinalizer);
    }
    if let Some(ending) = status.ending {
        return Step::End(Box::new(ending));
    }
    let parking = status.halt.as_ref().is_some_and(|halt| halt.parked && halt.at_rest.is_none());
    if parking && (world.job_manager.replicas() > 0 || world.task_manager.replicas() > 0) && !decisions::resumes(world)
    {
        return parked::next_step(world);
    }
    if let Some(next) = decisions::next_step(world) {
        return next;
    }
    if status.halt.is_some() {
        return if parking { parked::next_step(world) } else { Step::Wait(POLL_SLOW) };
    }
    stages::next_step(world, status.stage)
}
