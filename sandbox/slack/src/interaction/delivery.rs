//! The result of sending a payload to the app.

use serde::{Deserialize, Serialize};

use crate::world::World;

/// How the app took a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Delivered {
    /// Acknowledged in time.
    Acknowledged,
    /// Sent, and not acknowledged within Slack's 3 s. The app may have acted all the same.
    TimedOut,
    /// No socket was connected. The app knows nothing of it.
    NotConnected,
}

/// A fresh trigger id: 3 s, for one use.
pub(super) fn new_trigger_id(world: &World) -> String {
    let random = uuid::Uuid::new_v4().simple().to_string();
    format!("{}.{}.{random}", random.len(), world.team.id)
}
