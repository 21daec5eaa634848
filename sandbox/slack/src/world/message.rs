//! Messages as the workspace keeps them, and as the Web API shows them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A message that everybody in the channel sees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// The channel it is in, by id.
    pub channel: String,
    /// Its id within the channel: seconds and microseconds of the Unix time, such as `1764000000.000100`.
    pub ts: String,
    /// Who wrote it: a person's id, or the bot user's.
    pub user: String,
    /// Set when the app wrote it.
    pub bot_id: Option<String>,
    /// The fallback text, which notifications show.
    pub text: String,
    /// Its blocks in Slack's own form, with the ids that Slack adds.
    pub blocks: Vec<Value>,
    /// `{event_type, event_payload}`.
    pub metadata: Option<Value>,
    /// Root of the thread that it is in. A root has it too, equal to `ts`, once it has replies.
    pub thread_ts: Option<String>,
    /// A reply that is also shown in the channel.
    pub broadcast: bool,
    /// How often `chat.update` changed it.
    pub edits: u32,
    /// When it was changed last, as a ts.
    pub edited_ts: Option<String>,
    /// Whether people see "(edited)": Slack shows it for text, not for blocks.
    pub shows_edited: bool,
}

impl Message {
    /// Whether it is a reply, so not itself a root.
    #[must_use]
    pub fn is_reply(&self) -> bool {
        self.thread_ts.as_ref().is_some_and(|root| *root != self.ts)
    }

    /// Whether it appears in the channel itself.
    #[must_use]
    pub fn is_in_channel(&self) -> bool {
        !self.is_reply() || self.broadcast
    }

    /// One value of the metadata's payload.
    #[must_use]
    pub fn metadata_value(&self, key: &str) -> Option<&str> {
        self.metadata.as_ref()?.get("event_payload")?.get(key)?.as_str()
    }
}

/// How the replies of a root are summed up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadSummary {
    /// Number of replies.
    pub reply_count: usize,
    /// Who replied, in order of their first reply.
    pub reply_users: Vec<String>,
    /// The ts of the newest reply.
    pub latest_reply: Option<String>,
    /// Who wrote the root.
    pub parent_user: Option<String>,
}

/// What only one person sees, and nobody can read back through the Web API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ephemeral {
    /// Its id, as a ts.
    pub ts: String,
    /// The channel it is shown in, by id.
    pub channel: String,
    /// The one who sees it, by id.
    pub user: String,
    /// The thread that it is shown in.
    pub thread_ts: Option<String>,
    /// From the app, or from Slack itself ("/flink failed with the error …").
    pub from_slack: bool,
    /// Its text.
    pub text: String,
    /// Its blocks in Slack's own form.
    pub blocks: Vec<Value>,
    /// What the person typed or pressed that it answers, if it answers something.
    pub in_reply_to: Option<String>,
}

/// Who the app is, as far as messages show it.
#[derive(Debug, Clone)]
pub(crate) struct AppIdentity {
    pub(crate) app_id: String,
    pub(crate) app_name: String,
    pub(crate) bot_id: String,
    pub(crate) bot_user: String,
    pub(crate) bot_name: String,
    pub(crate) team: String,
}

/// What to leave out of a message that the Web API shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WithMetadata {
    Yes,
    No,
}

impl Message {
    /// The message as the Web API and interaction payloads show it.
    pub(crate) fn to_api(&self, app: &AppIdentity, thread: &ThreadSummary, metadata: WithMetadata) -> Value {
        let mut out = Map::new();
        out.insert("type".into(), json!("message"));
        out.insert("user".into(), json!(self.user));
        out.insert("ts".into(), json!(self.ts));
        out.insert("text".into(), json!(self.text));
        out.insert("team".into(), json!(app.team));
        if let Some(bot_id) = &self.bot_id {
            out.insert("bot_id".into(), json!(bot_id));
            out.insert("app_id".into(), json!(app.app_id));
            out.insert("bot_profile".into(), app.profile());
        }
        if !self.blocks.is_empty() {
            out.insert("blocks".into(), json!(self.blocks));
        }
        if let Some(root) = &self.thread_ts {
            out.insert("thread_ts".into(), json!(root));
            if let Some(author) = thread.parent_user.as_ref().filter(|_| self.is_reply()) {
                out.insert("parent_user_id".into(), json!(author));
            }
        }
        if self.broadcast {
            out.insert("subtype".into(), json!("thread_broadcast"));
        }
        if let Some(ts) = &self.edited_ts {
            out.insert("edited".into(), json!({"user": self.user, "ts": ts}));
        }
        if thread.reply_count > 0 {
            out.insert("reply_count".into(), json!(thread.reply_count));
            out.insert("reply_users_count".into(), json!(thread.reply_users.len()));
            out.insert("reply_users".into(), json!(thread.reply_users));
            out.insert("latest_reply".into(), json!(thread.latest_reply));
            out.insert("subscribed".into(), json!(false));
            out.insert("is_locked".into(), json!(false));
        }
        if let Some(metadata) = self.metadata.as_ref().filter(|_| metadata == WithMetadata::Yes) {
            out.insert("metadata".into(), metadata.clone());
        }
        Value::Object(out)
    }
}

impl AppIdentity {
    fn profile(&self) -> Value {
        json!({
            "id": self.bot_id, "app_id": self.app_id, "user_id": self.bot_user, "name": self.app_name,
            "deleted": false, "updated": 1_764_000_000, "team_id": self.team,
        })
    }
}
