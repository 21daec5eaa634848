//! Messages as the workspace stores them and as the Web API returns them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A message that everybody in the channel sees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// The channel it is in, by id.
    pub channel: String,
    /// The id within the channel: seconds and microseconds of the Unix time, such as `1764000000.000100`.
    pub ts: String,
    /// The author: the id of a person or of the bot user.
    pub user: String,
    /// The bot's id, if the app wrote it.
    pub bot_id: Option<String>,
    /// The fallback text, which notifications show.
    pub text: String,
    /// The blocks in Slack's own form, with the ids that Slack adds.
    pub blocks: Vec<Value>,
    /// `{event_type, event_payload}`.
    pub metadata: Option<Value>,
    /// The root of its thread. A root with replies has its own `ts` here.
    pub thread_ts: Option<String>,
    /// Whether it is a reply that the channel shows too.
    pub broadcast: bool,
    /// How often `chat.update` changed it.
    pub edits: u32,
    /// The time of the last change, as a ts.
    pub edited_ts: Option<String>,
    /// Whether people see "(edited)": Slack shows it for text, not for blocks.
    pub shows_edited: bool,
}

impl Message {
    /// Whether it is a reply and not a root.
    #[must_use]
    pub fn is_reply(&self) -> bool {
        self.thread_ts.as_ref().is_some_and(|root| *root != self.ts)
    }

    /// Whether the channel itself shows it.
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

/// The summary of a root's replies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadSummary {
    /// Number of replies.
    pub reply_count: usize,
    /// The people who replied, in order of their first reply.
    pub reply_users: Vec<String>,
    /// The ts of the newest reply.
    pub latest_reply: Option<String>,
    /// The author of the root.
    pub parent_user: Option<String>,
}

/// A message that only one person sees. The Web API cannot read it back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ephemeral {
    /// The id, as a ts.
    pub ts: String,
    /// The channel it is shown in, by id.
    pub channel: String,
    /// The person who sees it, by id.
    pub user: String,
    /// The thread that it is shown in.
    pub thread_ts: Option<String>,
    /// Whether Slack wrote it and not the app ("/flink failed with the error …").
    pub from_slack: bool,
    /// The fallback text.
    pub text: String,
    /// The blocks in Slack's own form.
    pub blocks: Vec<Value>,
    /// The command that it answers, as typed.
    pub in_reply_to: Option<String>,
}

/// The identity of the app in messages.
#[derive(Debug, Clone)]
pub(crate) struct AppIdentity {
    pub(crate) app_id: String,
    pub(crate) app_name: String,
    pub(crate) bot_id: String,
    pub(crate) bot_user: String,
    pub(crate) bot_name: String,
    pub(crate) team: String,
}

/// Whether an answer of the Web API includes the metadata of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WithMetadata {
    Yes,
    No,
}

impl Message {
    /// The message as in answers of the Web API and in interaction payloads.
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
