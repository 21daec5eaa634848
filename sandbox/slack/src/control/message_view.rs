//! A message as the control interface shows it.

use serde::Serialize;

use crate::state::Shared;
use crate::view::View;
use crate::world::{Message, ThreadSummary};

/// A message with the fields that the control interface adds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageView {
    #[serde(flatten)]
    message: Message,
    thread: ThreadSummary,
    /// The message as text, for terminals.
    rendered: String,
}

pub(super) fn describe_messages(shared: &Shared, messages: Vec<Message>) -> Vec<MessageView> {
    let view = View::new(shared);
    messages
        .into_iter()
        .map(|message| MessageView {
            thread: view.thread_summary(&message.channel, &message.ts),
            rendered: view.render(&message),
            message,
        })
        .collect()
}
