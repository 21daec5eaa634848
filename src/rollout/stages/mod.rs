//! One file for each stage, for both directions.

mod approve;
mod clear_ha;
mod monitor;
mod plan;
mod savepoint;
mod start;
mod stop;
mod verify;

use super::{effect::Step, needs::Needs, world::World};
use crate::api::{FlinkRolloutStatus, Stage};

pub use savepoint::may_read_stop;

/// The next step of the current stage of a rollout.
pub(super) fn next_step(world: &World, stage: Stage) -> Step {
    match stage {
        Stage::Plan => plan::next_step(world),
        Stage::Approve => approve::next_step(world),
        Stage::Savepoint => savepoint::next_step(world),
        Stage::Stop => stop::next_step(world),
        Stage::ClearHa => clear_ha::next_step(world),
        Stage::Deploy | Stage::Restore => start::next_step(world),
        Stage::Verify => verify::next_step(world),
        Stage::Monitor => monitor::next_step(world),
    }
}

/// The next step of a rollout that is halted in this stage, if the stage has one.
pub(super) fn next_step_while_halted(world: &World, stage: Stage) -> Option<Step> {
    match stage {
        Stage::Savepoint => savepoint::next_step_while_halted(world),
        _ => None,
    }
}

/// What the current stage of a rollout needs to see.
pub(super) fn needs(status: &FlinkRolloutStatus) -> Needs {
    match status.stage {
        Stage::Plan => plan::needs(status),
        Stage::Approve => approve::NEEDS,
        Stage::Savepoint => savepoint::NEEDS,
        Stage::Stop => stop::NEEDS,
        Stage::ClearHa => clear_ha::NEEDS,
        Stage::Deploy | Stage::Restore => start::NEEDS,
        Stage::Verify => verify::NEEDS,
        Stage::Monitor => monitor::NEEDS,
    }
}
