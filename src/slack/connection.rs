//! The calls to Slack's Web API, each with a time-out of its own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use slack_morphism::{errors::SlackClientError, prelude::*};

use super::settings::SlackSettings;
use crate::text::{error_chain, truncate};

const PATIENCE: Duration = Duration::from_secs(10);
/// How soon is tried again what may work at once.
const SOON: Duration = Duration::from_secs(2);
/// How soon is tried again what works only once somebody has done something about it.
const REFUSED: Duration = Duration::from_secs(15);
/// Slack's codes for tokens that it does not take, or not for this.
const TOKEN_REFUSALS: [&str; 12] = [
    "invalid_auth",
    "not_authed",
    "token_revoked",
    "token_expired",
    "account_inactive",
    "not_allowed_token_type",
    "no_permission",
    "missing_scope",
    "access_denied",
    "ekm_access_denied",
    "org_login_required",
    "team_access_not_granted",
];
/// How far Slack's clock may be from ours.
const CLOCKS_DIFFER: i64 = 60;
/// Type of the metadata on every message of ours.
const EVENT_TYPE: &str = "flink_rollout";

/// A message to post.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Post {
    /// Channel id.
    pub channel: String,
    /// The card it is a reply to.
    pub thread: Option<String>,
    /// Whether it also shows in the channel, and notifies.
    pub broadcast: bool,
    /// Text, for notifications.
    pub text: String,
    /// Block Kit blocks.
    pub blocks: Vec<Value>,
    /// The operation key, found again in the message's metadata.
    pub key: String,
}

/// Why a call did not work.
#[derive(Debug, thiserror::Error)]
pub(super) enum SlackError {
    /// Slack wants calls later.
    #[error("Slack asks to wait {0:?}")]
    Wait(Duration),
    /// Slack said no, with its own code.
    #[error("Slack refused: {0}")]
    Refused(String),
    /// Whether it had an effect is not known.
    #[error("Slack did not answer: {0}")]
    Unknown(String),
}

impl SlackError {
    /// Whether it is the tokens that Slack does not take: nothing works until somebody has done something about that.
    pub(super) fn is_of_tokens(&self) -> bool {
        matches!(self, Self::Refused(code) if TOKEN_REFUSALS.contains(&code.as_str()))
    }

    /// How long to leave Slack alone before the same is tried again.
    pub(super) fn pause(&self) -> Duration {
        match self {
            Self::Wait(wanted) => SOON.max(*wanted),
            refused if refused.is_of_tokens() => REFUSED,
            _ => SOON,
        }
    }

    /// Logs it: what nobody but a person can mend as an error that says what to do.
    pub(super) fn log(&self, what: &str) {
        if self.is_of_tokens() {
            tracing::error!(
                error = %self,
                "{what}: Slack does not take the tokens. Check that the app is installed with the scopes of slack-app.yaml and that \
                 SLACK_BOT_TOKEN (xoxb-) and SLACK_APP_TOKEN (xapp-, connections:write) are its own; rollouts go on without Slack"
            );
        } else {
            tracing::warn!(error = %self, "{what}; rollouts go on without Slack");
        }
    }
}

/// One workspace, as the bot.
pub(super) struct Connection {
    client: Arc<SlackHyperClient>,
    bot: SlackApiToken,
    app: SlackApiToken,
    /// Until when Slack wants to hear nothing of messages: one moment for everything in this process that shows rollouts.
    quiet_until: Mutex<Option<Instant>>,
}

impl Connection {
    pub(super) fn new(settings: &SlackSettings) -> std::io::Result<Self> {
        let connector = hyper_rustls::HttpsConnectorBuilder::new().with_native_roots()?;
        // Plain HTTP only where another base than Slack's own was asked for.
        let connector =
            if settings.api_url.starts_with("http://") { connector.https_or_http() } else { connector.https_only() };
        let connector = connector.enable_http1().enable_http2().build();
        let connector =
            SlackClientHyperConnector::from(connector).with_slack_api_url(settings.api_url.trim_end_matches('/'));
        Ok(Self {
            client: Arc::new(SlackClient::new(connector)),
            bot: SlackApiToken::new(settings.bot_token.expose_secret().into()),
            app: SlackApiToken::new(settings.app_token.expose_secret().into()),
            quiet_until: Mutex::default(),
        })
    }

    pub(super) fn client(&self) -> Arc<SlackHyperClient> {
        Arc::clone(&self.client)
    }

    pub(super) fn app_token(&self) -> &SlackApiToken {
        &self.app
    }

    /// Checks both tokens: a bad one would otherwise show only as a socket that never opens.
    pub(super) async fn check(&self) -> Result<String, SlackError> {
        let test = answered(self.client.open_session(&self.bot).auth_test()).await?;
        answered(self.client.open_session(&self.app).apps_connections_open(&SlackApiAppsConnectionOpenRequest::new()))
            .await?;
        Ok(test.team)
    }

    /// Posts a message and returns its ts.
    pub(super) async fn post(&self, post: &Post) -> Result<String, SlackError> {
        let mut request =
            SlackApiChatPostMessageRequest::new(post.channel.clone().into(), content(&post.text, &post.blocks)?);
        let payload = HashMap::from([("op".to_owned(), post.key.clone())]);
        request.content.metadata = Some(SlackMessageMetadata::new(EVENT_TYPE.into()).with_event_payload(payload));
        request.thread_ts = post.thread.clone().map(SlackTs::new);
        request.reply_broadcast = post.thread.as_ref().map(|_| post.broadcast);
        request.unfurl_links = Some(false);
        Ok(self.in_turn(self.client.open_session(&self.bot).chat_post_message(&request)).await?.ts.0)
    }

    /// Changes a message in place.
    pub(super) async fn update(&self, channel: &str, ts: &str, text: &str, blocks: &[Value]) -> Result<(), SlackError> {
        let request =
            SlackApiChatUpdateRequest::new(channel.into(), content(text, blocks)?, SlackTs::new(ts.to_owned()));
        self.in_turn(self.client.open_session(&self.bot).chat_update(&request)).await.map(drop)
    }

    /// Looks for a message of ours by its operation key, in its card's thread or in its channel, among all that were written since a
    /// moment (in seconds) before which it cannot have been posted.
    pub(super) async fn find(&self, post: &Post, since: i64) -> Result<Option<String>, SlackError> {
        let method = if post.thread.is_some() { "conversations.replies" } else { "conversations.history" };
        let mut cursor = None;
        loop {
            let params = vec![
                ("channel", Some(post.channel.clone())),
                ("ts", post.thread.clone()),
                ("oldest", Some((since - CLOCKS_DIFFER).max(0).to_string())),
                ("include_all_metadata", Some("true".to_owned())),
                ("limit", Some("200".to_owned())),
                ("cursor", cursor),
            ];
            let session = self.client.open_session(&self.bot);
            let answer: Value = self.in_turn(session.http_session_api.http_get(method, &params, None)).await?;
            if let Some(ts) = with_key(&answer, &post.key) {
                return Ok(Some(ts));
            }
            let next = answer.pointer("/response_metadata/next_cursor").and_then(Value::as_str).unwrap_or_default();
            if next.is_empty() {
                return Ok(None);
            }
            cursor = Some(next.to_owned());
        }
    }

    /// A call that shows something, unless Slack asked for quiet: then it is not made.
    async fn in_turn<T>(&self, call: impl Future<Output = ClientResult<T>>) -> Result<T, SlackError> {
        let quiet = *self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(left) = quiet.and_then(|until| until.checked_duration_since(Instant::now())) {
            return Err(SlackError::Wait(left));
        }
        let answer = answered(call).await;
        if let Err(SlackError::Wait(wanted)) = &answer {
            let wanted = Instant::now() + *wanted;
            let mut quiet = self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner);
            *quiet = Some(quiet.map_or(wanted, |until| until.max(wanted)));
        }
        answer
    }

    /// Every user group with its members' ids.
    pub(super) async fn groups(&self) -> Result<HashMap<String, Vec<String>>, SlackError> {
        let session = self.client.open_session(&self.bot);
        let params = vec![("include_users", Some("true".to_owned()))];
        let answer: Value = answered(session.http_session_api.http_get("usergroups.list", &params, None)).await?;
        let groups = answer.get("usergroups").and_then(Value::as_array).into_iter().flatten();
        Ok(groups
            .filter_map(|group| {
                let users = group.get("users").and_then(Value::as_array).into_iter().flatten();
                let users = users.filter_map(|user| user.as_str().map(str::to_owned)).collect();
                Some((group.get("id")?.as_str()?.to_owned(), users))
            })
            .collect())
    }

    /// Answers whoever clicked, at the address that came with the click.
    pub(super) async fn respond(&self, url: &SlackResponseUrl, text: &str) -> Result<(), SlackError> {
        let request = SlackApiPostWebhookMessageRequest::new(SlackMessageContent::new().with_text(text.to_owned()));
        answered(self.client.respond_to_event(url, &request)).await.map(drop)
    }
}

/// The ts of the message that carries an operation key.
fn with_key(answer: &Value, key: &str) -> Option<String> {
    let messages = answer.get("messages").and_then(Value::as_array).into_iter().flatten();
    let mut ours =
        messages.filter(|message| message.pointer("/metadata/event_payload/op").and_then(Value::as_str) == Some(key));
    ours.find_map(|message| message.get("ts")?.as_str().map(str::to_owned))
}

fn content(text: &str, blocks: &[Value]) -> Result<SlackMessageContent, SlackError> {
    let blocks: Vec<SlackBlock> = serde_json::from_value(json!(blocks))
        .map_err(|error| SlackError::Refused(format!("blocks that cannot be sent: {error}")))?;
    Ok(SlackMessageContent::new().with_text(text.to_owned()).with_blocks(blocks))
}

async fn answered<T>(call: impl Future<Output = ClientResult<T>>) -> Result<T, SlackError> {
    match tokio::time::timeout(PATIENCE, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(SlackClientError::ApiError(error))) => Err(SlackError::Refused(error.code)),
        Ok(Err(SlackClientError::RateLimitError(error))) => {
            Err(SlackError::Wait(error.retry_after.unwrap_or(Duration::from_secs(1))))
        }
        Ok(Err(error)) => Err(SlackError::Unknown(truncate(&error_chain(&error), 200))),
        Err(_) => Err(SlackError::Unknown(format!("nothing within {} s", PATIENCE.as_secs()))),
    }
}
