//! The workspace: people, channels, groups, messages. It is pure state: no HTTP, and no time except for the ts clock.

mod clock;
mod definition;
mod message;
mod messages;

pub use definition::{Channel, Team, User, UserGroup, WorldDefinition};
pub(crate) use message::{AppIdentity, WithMetadata};
pub use message::{Ephemeral, Message, ThreadSummary};
pub(crate) use messages::{MetadataChange, NewMessage, Revision};

use clock::TsClock;

/// The workspace as it is now.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) team: Team,
    pub(crate) users: Vec<User>,
    pub(crate) channels: Vec<Channel>,
    pub(crate) groups: Vec<UserGroup>,
    pub(crate) app: AppIdentity,
    /// The messages of all channels, in the order of their ts.
    messages: Vec<Message>,
    ephemerals: Vec<Ephemeral>,
    clock: TsClock,
}

impl World {
    pub(crate) fn new(definition: WorldDefinition, app_name: &str, bot_name: &str) -> Self {
        let app = AppIdentity {
            app_id: "A0LOCKKEEPER".into(),
            app_name: app_name.into(),
            bot_id: "B0LOCKKEEPER".into(),
            bot_user: "U0LOCKKEEPER".into(),
            bot_name: bot_name.into(),
            team: definition.team.id.clone(),
        };
        Self {
            team: definition.team,
            users: definition.users,
            channels: definition.channels,
            groups: definition.user_groups,
            app,
            messages: Vec::new(),
            ephemerals: Vec::new(),
            clock: TsClock::default(),
        }
    }

    /// Finds a channel by id, or by name with or without `#`.
    pub(crate) fn channel(&self, id_or_name: &str) -> Option<&Channel> {
        let name = id_or_name.strip_prefix('#').unwrap_or(id_or_name);
        self.channels.iter().find(|channel| channel.id == id_or_name || channel.name == name)
    }

    /// Finds a channel by id only, as the Web API requires.
    pub(crate) fn channel_by_id(&self, id: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id == id)
    }

    /// Finds a person by id, or by handle with or without `@`.
    pub(crate) fn user(&self, id_or_name: &str) -> Option<&User> {
        let name = id_or_name.strip_prefix('@').unwrap_or(id_or_name);
        self.users.iter().find(|user| user.id == id_or_name || user.name == name)
    }

    /// The handle for a user id, or the id itself for an unknown user.
    pub(crate) fn handle_of<'a>(&'a self, user: &'a str) -> &'a str {
        if user == self.app.bot_user {
            return &self.app.bot_name;
        }
        self.users.iter().find(|known| known.id == user).map_or(user, |known| &known.name)
    }
}
