//! Checks before a person acts.

use super::refusal::Refusal;
use crate::state::Shared;
use crate::world::{Channel, User, World};

/// Finds the person and the channel of an interaction. Fails unless the person is a member of the channel.
pub(super) fn find_person_in_channel(world: &World, user: &str, channel: &str) -> Result<(User, Channel), Refusal> {
    let person = world.user(user).ok_or_else(|| Refusal::UnknownUser { user: user.to_owned() })?;
    let place = world.channel(channel).ok_or_else(|| Refusal::UnknownChannel { channel: channel.to_owned() })?;
    if !place.members.contains(&person.id) {
        return Err(Refusal::NotInChannel { user: person.name.clone(), channel: place.name.clone() });
    }
    Ok((person.clone(), place.clone()))
}

pub(super) fn refuse_while_away(shared: &Shared) -> Result<(), Refusal> {
    if shared.current_outage().is_some() { Err(Refusal::SlackIsAway) } else { Ok(()) }
}
