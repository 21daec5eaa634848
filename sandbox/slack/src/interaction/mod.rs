//! What people do that reaches the app: slash commands, presses of buttons, and the `response_url` that answers them.

mod action;
mod command;
mod escape;
mod raw;
mod refusal;
mod response_url;

use serde::{Deserialize, Serialize};

pub use action::{Click, ClickOutcome};
pub use command::CommandOutcome;
pub use refusal::Refusal;

pub(crate) use action::click;
pub(crate) use command::command;
pub(crate) use raw::{envelope, frame};
pub(crate) use response_url::{ResponseUrls, routes};

use crate::shared::Shared;
use crate::world::{Channel, User, World};

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

/// The person and the channel of an interaction, if that person can act there.
pub(crate) fn person_in_channel(world: &World, user: &str, channel: &str) -> Result<(User, Channel), Refusal> {
    let person = world.user(user).ok_or_else(|| Refusal::UnknownUser { user: user.to_owned() })?;
    let place = world.channel(channel).ok_or_else(|| Refusal::UnknownChannel { channel: channel.to_owned() })?;
    if !place.members.contains(&person.id) {
        return Err(Refusal::NotInChannel { user: person.name.clone(), channel: place.name.clone() });
    }
    Ok((person.clone(), place.clone()))
}

/// A fresh trigger id: 3 s, for one use.
fn trigger_id(world: &World) -> String {
    let random = uuid::Uuid::new_v4().simple().to_string();
    format!("{}.{}.{random}", random.len(), world.team.id)
}

fn unless_away(shared: &Shared) -> Result<(), Refusal> {
    if shared.outage_now().is_some() { Err(Refusal::SlackIsAway) } else { Ok(()) }
}
