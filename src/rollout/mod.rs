//! The decision core: a pure function from one look at a rollout to its next step. It has no client, no clock and no randomness.
//!
//! | Stage | Forward | Back |
//! |---|---|---|
//! | Plan | claims the application, bakes and checks the target | |
//! | Approve | waits for the approvals | |
//! | Savepoint | stops the job with a savepoint; this is the point of no return | |
//! | Stop | scales to 0 and waits until no pod is left | the same |
//! | Clear HA | backs up and deletes the HA metadata | the same |
//! | Deploy / Restore | writes and starts the target | writes and starts the previous version |
//! | Verify | proves the restore, and that every vertex is RUNNING | the same |
//! | Monitor | lets the job settle, then watches it | the same |
//!
//! Before the stop, a failure ends the rollout Untouched. After the stop, direction Forward turns Back, and direction Back halts. Nothing
//! loops.

mod approvals;
mod assessment;
mod configuration;
mod decision_rule;
mod decisions;
mod effect;
mod end;
mod halts;
mod health;
mod ids;
mod known_conditions;
mod leadership;
mod needs;
mod offers;
mod operation;
mod parked;
mod proof;
mod record_result;
mod request;
mod restart_strategy;
mod stages;
#[cfg(test)]
mod tests;
mod transition;
mod world;

pub use approvals::approvers;
pub use assessment::{Assessment, assess};
pub use decision_rule::{DecisionRefusal, decision_refusal, may_roll_back};
pub use effect::{Effect, EffectResult, Step};
pub use health::health_as_markdown;
pub use ids::own_directory;
pub use needs::{FlinkQuestions, Needs};
pub use offers::Refusal;
pub use operation::{Operation, unknown_operation};
pub use proof::ClearHaProof;
pub use record_result::record_result;
pub use request::unknown_version;
pub use stages::may_read_stop;
pub use transition::{StatusExt, halt};
pub use world::{ClaimHolder, FlinkView, ProbeAnswer, Rival, StopStatus, World};

use crate::api::{FlinkRolloutStatus, HaltKind};

/// The one next step of a rollout.
#[must_use]
pub fn next_step(world: &World) -> Step {
    let step = match find_step(world) {
        Step::End(result) => end::next_step(world, &result),
        other => other,
    };
    halts::remember_end(world, step)
}

fn find_step(world: &World) -> Step {
    let status = world.status();
    if status.result.is_some() {
        return if world.has_finalizer() { Step::act(Operation::Finish, Effect::Finish) } else { Step::Done };
    }
    if !world.has_finalizer() && world.rollout.metadata.deletion_timestamp.is_none() {
        return Step::act(Operation::AddFinalizer, Effect::AddFinalizer);
    }
    if let Some(ending) = status.ending {
        return Step::End(Box::new(ending));
    }
    // This version can neither repeat nor undo the operations of another version. Only a person can end such a rollout.
    let foreign = unknown_operation(&status).map(str::to_owned);
    let parking = foreign.is_none() && status.halt.as_ref().is_some_and(|halt| halt.parked && halt.at_rest.is_none());
    if parking && world.is_scaled_up() && !decisions::has_resume(world) {
        return parked::next_step(world);
    }
    if let Some(next) = decisions::next_step(world) {
        return next;
    }
    if let Some(halted) = &status.halt {
        if parking {
            return parked::next_step(world);
        }
        let guarded = foreign.is_none().then(|| stages::next_step_while_halted(world, status.stage)).flatten();
        return guarded.unwrap_or_else(|| halts::next_step(world, halted));
    }
    if let Some(operation) = foreign {
        let refusal = DecisionRefusal::OtherVersion { operation };
        let why = format!("this rollout {}", refusal.predicate(""));
        return Step::record(halt(world, status, HaltKind::NeedsDecision, &why));
    }
    stages::next_step(world, status.stage)
}

/// What has to be read before the next step of a rollout can be decided.
#[must_use]
pub fn needs(status: &FlinkRolloutStatus) -> Needs {
    stages::needs(status)
}
