//! Posts, changes and reads messages.

use serde_json::Value;

use super::{Ephemeral, Message, ThreadSummary, WithMetadata, World};

/// A message to post. It was checked before.
#[derive(Debug, Default)]
pub(crate) struct NewMessage {
    pub(crate) channel: String,
    pub(crate) user: String,
    pub(crate) bot_id: Option<String>,
    pub(crate) text: String,
    pub(crate) blocks: Vec<Value>,
    pub(crate) metadata: Option<Value>,
    pub(crate) thread_ts: Option<String>,
    pub(crate) broadcast: bool,
}

/// A change of a message. `None` keeps the old value.
#[derive(Debug, Default)]
pub(crate) struct Revision {
    pub(crate) text: Option<String>,
    pub(crate) blocks: Option<Vec<Value>>,
    pub(crate) metadata: MetadataChange,
}

/// A change of a message's metadata.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum MetadataChange {
    /// No metadata was sent.
    #[default]
    Keep,
    /// An empty object was sent.
    Remove,
    Set(Value),
}

impl MetadataChange {
    /// The metadata after the change.
    pub(crate) fn apply_to(self, metadata: Option<Value>) -> Option<Value> {
        match self {
            Self::Keep => metadata,
            Self::Remove => None,
            Self::Set(metadata) => Some(metadata),
        }
    }
}

impl World {
    pub(crate) fn post(&mut self, new: NewMessage) -> Message {
        let ts = self.clock.next();
        if let Some(root) = new.thread_ts.as_deref().and_then(|root| self.message_mut(&new.channel, root)) {
            root.thread_ts = Some(root.ts.clone());
        }
        let message = Message {
            channel: new.channel,
            ts,
            user: new.user,
            bot_id: new.bot_id,
            text: new.text,
            blocks: new.blocks,
            metadata: new.metadata,
            thread_ts: new.thread_ts,
            broadcast: new.broadcast,
            edits: 0,
            edited_ts: None,
            shows_edited: false,
        };
        self.messages.push(message.clone());
        message
    }

    /// Changes a message. Returns `None` if there is no such message.
    pub(crate) fn revise(&mut self, channel: &str, ts: &str, revision: Revision) -> Option<Message> {
        let edited_ts = self.clock.next();
        let message = self.message_mut(channel, ts)?;
        // Slack marks a change of text as edited, but not a change of blocks.
        message.shows_edited |= revision.blocks.as_ref().is_none_or(Vec::is_empty) && revision.text.is_some();
        if let Some(text) = revision.text {
            message.text = text;
        }
        if let Some(blocks) = revision.blocks {
            message.blocks = blocks;
        }
        message.metadata = revision.metadata.apply_to(message.metadata.take());
        message.edits += 1;
        message.edited_ts = Some(edited_ts);
        Some(message.clone())
    }

    /// Deletes a message. Its replies stay, as at Slack.
    pub(crate) fn delete(&mut self, channel: &str, ts: &str) -> bool {
        let before = self.messages.len();
        self.messages.retain(|message| message.channel != channel || message.ts != ts);
        self.messages.len() != before
    }

    pub(crate) fn message(&self, channel: &str, ts: &str) -> Option<&Message> {
        self.messages.iter().find(|message| message.channel == channel && message.ts == ts)
    }

    fn message_mut(&mut self, channel: &str, ts: &str) -> Option<&mut Message> {
        self.messages.iter_mut().find(|message| message.channel == channel && message.ts == ts)
    }

    /// The messages that the channel itself shows, oldest first: roots, and replies that were also sent to the channel.
    pub(crate) fn channel_messages(&self, channel: &str) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages.iter().filter(move |message| message.channel == channel && message.is_in_channel())
    }

    /// A root and its replies, oldest first.
    pub(crate) fn thread(&self, channel: &str, root: &str) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages.iter().filter(move |message| {
            message.channel == channel && (message.ts == root || message.thread_ts.as_deref() == Some(root))
        })
    }

    pub(crate) fn thread_summary(&self, message: &Message) -> ThreadSummary {
        let root = message.thread_ts.as_deref().unwrap_or(&message.ts);
        let parent_user = self.message(&message.channel, root).map(|root| root.user.clone());
        if message.is_reply() {
            return ThreadSummary { parent_user, ..ThreadSummary::default() };
        }
        let mut summary = ThreadSummary { parent_user, ..ThreadSummary::default() };
        for reply in self.thread(&message.channel, &message.ts).filter(|reply| reply.is_reply()) {
            summary.reply_count += 1;
            summary.latest_reply = Some(reply.ts.clone());
            if !summary.reply_users.contains(&reply.user) {
                summary.reply_users.push(reply.user.clone());
            }
        }
        summary
    }

    /// A message as the Web API returns it.
    pub(crate) fn api_message(&self, message: &Message, metadata: WithMetadata) -> Value {
        message.to_api(&self.app, &self.thread_summary(message), metadata)
    }

    /// Shows an ephemeral to its person and gives it a ts.
    pub(crate) fn show_ephemeral(&mut self, mut ephemeral: Ephemeral) -> Ephemeral {
        ephemeral.ts = self.clock.next();
        self.ephemerals.push(ephemeral.clone());
        ephemeral
    }

    pub(crate) fn ephemerals(&self) -> &[Ephemeral] {
        &self.ephemerals
    }

    pub(crate) fn ephemeral(&self, user: &str, ts: &str) -> Option<&Ephemeral> {
        self.ephemerals.iter().find(|ephemeral| ephemeral.user == user && ephemeral.ts == ts)
    }

    /// Replaces the content of an ephemeral.
    pub(crate) fn replace_ephemeral(&mut self, ts: &str, text: String, blocks: Vec<Value>) -> bool {
        let Some(ephemeral) = self.ephemerals.iter_mut().find(|ephemeral| ephemeral.ts == ts) else {
            return false;
        };
        ephemeral.text = text;
        ephemeral.blocks = blocks;
        true
    }

    pub(crate) fn delete_ephemeral(&mut self, ts: &str) -> bool {
        let before = self.ephemerals.len();
        self.ephemerals.retain(|ephemeral| ephemeral.ts != ts);
        self.ephemerals.len() != before
    }

    /// Issues a ts for an action.
    pub(crate) fn next_ts(&mut self) -> String {
        self.clock.next()
    }
}
