//! Messages that people write.

use super::checks::{find_person_in_channel, refuse_while_away};
use super::refusal::Refusal;
use crate::state::Shared;
use crate::world::{Message, NewMessage};

/// Posts a message as a person, in the channel or in a thread.
pub(crate) fn say(
    shared: &Shared,
    user: &str,
    channel: &str,
    text: &str,
    thread_ts: Option<&str>,
) -> Result<Message, Refusal> {
    refuse_while_away(shared)?;
    shared.change(|world| {
        let (person, place) = find_person_in_channel(world, user, channel)?;
        if let Some(root) = thread_ts.filter(|root| world.message(&place.id, root).is_none()) {
            return Err(Refusal::NoSuchMessage { channel: place.name, ts: root.to_owned() });
        }
        Ok(world.post(NewMessage {
            channel: place.id,
            user: person.id,
            text: text.into(),
            thread_ts: thread_ts.map(str::to_owned),
            ..NewMessage::default()
        }))
    })
}
