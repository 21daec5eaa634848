//! One file for each stage: what it does next, in either direction.

mod approve;
mod clear_ha;
mod monitor;
mod plan;
mod savepoint;
mod start;
mod stop;
mod verify;

use super::{effect::Decision, world::World};
use crate::api::Stage;

/// The next step of the stage that a rollout is in.
pub(super) fn decide(world: &World, stage: Stage) -> Decision {
    match stage {
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
