//! The workspace at the start. A person can write it as JSON.

use serde::{Deserialize, Serialize};

/// A workspace: its people, channels and groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorldDefinition {
    /// The workspace itself.
    pub team: Team,
    /// The people. The bot user of the app is added automatically.
    pub users: Vec<User>,
    /// The channels.
    pub channels: Vec<Channel>,
    /// The user groups.
    #[serde(default)]
    pub user_groups: Vec<UserGroup>,
}

/// The workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Team {
    /// The id, such as `T0LOCK`.
    pub id: String,
    /// The name that people see.
    pub name: String,
    /// The first part of its address.
    pub domain: String,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct User {
    /// The id, such as `U0ALICE`.
    pub id: String,
    /// The handle, without `@`.
    pub name: String,
    /// The full name.
    pub real_name: String,
}

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Channel {
    /// The id, such as `C0DEPLOYS`.
    pub id: String,
    /// The name without `#`.
    pub name: String,
    /// The people in it, by id.
    pub members: Vec<String>,
    /// Whether the app's bot user was invited.
    #[serde(default)]
    pub bot_is_member: bool,
    /// People and apps outside a private channel cannot see it.
    #[serde(default)]
    pub is_private: bool,
    /// Nobody can post in an archived channel.
    #[serde(default)]
    pub is_archived: bool,
}

/// A user group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserGroup {
    /// The id, such as `S0PLATFORM`.
    pub id: String,
    /// The handle, without `@`.
    pub handle: String,
    /// The name that people see.
    pub name: String,
    /// The members, by id.
    pub users: Vec<String>,
    /// Disabled groups are listed only on request.
    #[serde(default)]
    pub is_disabled: bool,
}

impl Default for WorldDefinition {
    /// Alice and Bob of the platform group, Carol outside it; `#deploys` with the bot, `#random` without.
    fn default() -> Self {
        let everyone = ["U0ALICE", "U0BOB", "U0CAROL"].map(String::from).to_vec();
        Self {
            team: Team { id: "T0LOCK".into(), name: "Lockkeeper".into(), domain: "lockkeeper".into() },
            users: vec![
                user("U0ALICE", "alice", "Alice Archer"),
                user("U0BOB", "bob", "Bob Brook"),
                user("U0CAROL", "carol", "Carol Canal"),
            ],
            channels: vec![
                Channel { bot_is_member: true, ..channel("C0DEPLOYS", "deploys", &everyone) },
                channel("C0RANDOM", "random", &everyone),
            ],
            user_groups: vec![UserGroup {
                id: "S0PLATFORM".into(),
                handle: "platform".into(),
                name: "Platform team".into(),
                users: everyone[..2].to_vec(),
                is_disabled: false,
            }],
        }
    }
}

fn user(id: &str, name: &str, real_name: &str) -> User {
    User { id: id.into(), name: name.into(), real_name: real_name.into() }
}

fn channel(id: &str, name: &str, members: &[String]) -> Channel {
    Channel {
        id: id.into(),
        name: name.into(),
        members: members.to_vec(),
        bot_is_member: false,
        is_private: false,
        is_archived: false,
    }
}
