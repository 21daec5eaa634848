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

mod absorb;
mod approve;
mod clear_ha;
mod effect;
mod end;
mod ids;
mod last_checkpoint;
mod monitor;
mod parked;
mod people;
mod plan;
mod progress;
mod savepoint;
mod start;
mod stop;
mod stop_outcome;
#[cfg(test)]
mod tests;
mod verify;
mod world;

use std::time::Duration;

pub use absorb::absorb;
pub use clear_ha::{ClearHaProof, EmptyStart, InItsPlace, RecordedRestorePoint};
pub use effect::{Decision, Effect, Outcome, Which};
pub use ids::{job_id, operation_id};
pub use plan::{Refusal, assess, unknown_version};
pub use progress::{StatusExt, halt, turn_back};
pub use savepoint::own_directory;
pub use world::{ClaimHolder, FlinkView, ProbeAnswer, Rival, SeenSavepoint, World};

use crate::api::{ROLLOUT_FINALIZER, Stage};

/// How often to look while something is expected within a second, and while not.
const SOON: Duration = Duration::from_millis(250);
const LATER: Duration = Duration::from_secs(1);

/// The one next step of a rollout.
#[must_use]
pub fn decide(world: &World) -> Decision {
    match step(world) {
        Decision::End(result) => end::proceed(world, &result),
        other => other,
    }
}

fn step(world: &World) -> Decision {
    let status = world.status();
    if status.result.is_some() {
        return if world.has_finalizer() { Decision::act("finish", Effect::Finish) } else { Decision::Done };
    }
    if !world.has_finalizer() && world.rollout.metadata.deletion_timestamp.is_none() {
        return Decision::act(ROLLOUT_FINALIZER, Effect::AddFinalizer);
    }
    if let Some(ending) = status.ending {
        return Decision::End(Box::new(ending));
    }
    let parking = status.halt.as_ref().is_some_and(|halt| halt.parked && halt.at_rest.is_none());
    if parking && (world.job_manager.replicas() > 0 || world.task_manager.replicas() > 0) && !people::resumes(world) {
        return parked::decide(world);
    }
    if let Some(next) = people::decide(world) {
        return next;
    }
    if status.halt.is_some() {
        return if parking { parked::decide(world) } else { Decision::Wait(LATER) };
    }
    match status.stage {
        Stage::Plan => plan::decide(world),
        Stage::Approve => approve::decide(world),
        Stage::Savepoint => savepoint::decide(world),
        Stage::Stop => stop::decide(world),
        Stage::ClearHa => clear_ha::decide(world),
        Stage::Deploy | Stage::Restore => start::decide(world),
        Stage::Verify => verify::decide(world),
        Stage::Monitor => monitor::decide(world),
    }
}
