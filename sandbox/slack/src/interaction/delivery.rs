//! The result of sending a payload to the app.

use serde::{Deserialize, Serialize};

use crate::world::World;

/// Whether the app acknowledged a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Delivered {
    /// The app acknowledged it in time.
    Acknowledged,
    /// The app did not acknowledge it within 3 s. It may have acted on it anyway.
    TimedOut,
    /// No socket was connected, so the app did not get it.
    NotConnected,
}

/// Issues a trigger id.
pub(super) fn new_trigger_id(world: &World) -> String {
    let random = uuid::Uuid::new_v4().simple().to_string();
    format!("{}.{}.{random}", random.len(), world.team.id)
}
