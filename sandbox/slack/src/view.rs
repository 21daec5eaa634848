//! Reads the workspace: channels, threads, ephemerals, and all of them as text.

use crate::render;
use crate::state::Shared;
use crate::world::{Channel, Ephemeral, Message, ThreadSummary, User, UserGroup};

/// Reads the current workspace on each call. Channels and people are given by id or name.
#[derive(Clone, Copy)]
pub struct View<'a> {
    shared: &'a Shared,
}

impl<'a> View<'a> {
    pub(crate) fn new(shared: &'a Shared) -> Self {
        Self { shared }
    }

    /// The messages that the channel itself shows, oldest first: roots, and replies that were also sent to the channel.
    /// Empty for an unknown channel.
    #[must_use]
    pub fn channel(&self, channel: &str) -> Vec<Message> {
        let world = self.shared.world();
        let Some(id) = world.channel(channel).map(|found| found.id.clone()) else { return Vec::new() };
        world.channel_messages(&id).cloned().collect()
    }

    /// A root and its replies, oldest first. Empty if there is no such root.
    #[must_use]
    pub fn thread(&self, channel: &str, root: &str) -> Vec<Message> {
        let world = self.shared.world();
        let Some(id) = world.channel(channel).map(|found| found.id.clone()) else { return Vec::new() };
        world.thread(&id, root).cloned().collect()
    }

    /// One message.
    #[must_use]
    pub fn message(&self, channel: &str, ts: &str) -> Option<Message> {
        let world = self.shared.world();
        world.message(&world.channel(channel)?.id, ts).cloned()
    }

    /// The summary of a root's replies.
    #[must_use]
    pub fn thread_summary(&self, channel: &str, root: &str) -> ThreadSummary {
        let world = self.shared.world();
        let message = world.channel(channel).and_then(|found| world.message(&found.id, root));
        message.map(|message| world.thread_summary(message)).unwrap_or_default()
    }

    /// All ephemerals of one person, oldest first.
    #[must_use]
    pub fn ephemerals(&self, user: &str) -> Vec<Ephemeral> {
        let world = self.shared.world();
        let Some(id) = world.user(user).map(|found| found.id.clone()) else { return Vec::new() };
        world.ephemerals().iter().filter(|ephemeral| ephemeral.user == id).cloned().collect()
    }

    /// The channels.
    #[must_use]
    pub fn channels(&self) -> Vec<Channel> {
        self.shared.world().channels.clone()
    }

    /// The people.
    #[must_use]
    pub fn users(&self) -> Vec<User> {
        self.shared.world().users.clone()
    }

    /// The user groups.
    #[must_use]
    pub fn groups(&self) -> Vec<UserGroup> {
        self.shared.world().groups.clone()
    }

    /// The number of sockets that get payloads.
    #[must_use]
    pub fn sockets(&self) -> usize {
        self.shared.sockets.count()
    }

    /// The number of acknowledgements that came after their deadline.
    #[must_use]
    pub fn late_acknowledgements(&self) -> usize {
        self.shared.sockets.late_acknowledgements()
    }

    /// A message as text, with its author.
    #[must_use]
    pub fn render(&self, message: &Message) -> String {
        render::render_message(&self.shared.world(), message)
    }

    /// An ephemeral as text.
    #[must_use]
    pub fn render_ephemeral(&self, ephemeral: &Ephemeral) -> String {
        render::render_ephemeral(&self.shared.world(), ephemeral)
    }

    /// The channel as text.
    #[must_use]
    pub fn render_channel(&self, channel: &str) -> String {
        let messages = self.channel(channel);
        render::render_messages(&self.shared.world(), messages.iter())
    }

    /// A thread, root included, as text.
    #[must_use]
    pub fn render_thread(&self, channel: &str, root: &str) -> String {
        let messages = self.thread(channel, root);
        render::render_messages(&self.shared.world(), messages.iter())
    }

    /// All channels with all threads, and all ephemerals, as text.
    #[must_use]
    pub fn render_all(&self) -> String {
        let mut parts = Vec::new();
        for channel in self.channels() {
            parts.push(format!("=== #{}", channel.name));
            for root in self.channel(&channel.id).iter().filter(|message| !message.is_reply()) {
                parts.push(self.render_thread(&channel.id, &root.ts));
            }
        }
        for user in self.users() {
            parts.extend(self.ephemerals(&user.id).iter().map(|ephemeral| self.render_ephemeral(ephemeral)));
        }
        parts.join("\n\n")
    }
}
