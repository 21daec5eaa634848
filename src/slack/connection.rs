//! The calls to Slack's Web API, each with its own timeout.

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

const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// A call that may work at once is repeated after this time.
const RETRY_DELAY: Duration = Duration::from_secs(2);
/// A call that fails until a person corrects the tokens is repeated after this time.
const TOKEN_RETRY_DELAY: Duration = Duration::from_secs(15);
/// Slack's error codes for tokens that it does not accept, or not for this call.
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
/// How far Slack's clock may be from ours, in seconds.
const MAX_CLOCK_SKEW: i64 = 60;
/// The type of the metadata on every message of the bot.
const EVENT_TYPE: &str = "flink_rollout";

/// A message to post.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Post {
    /// The id of the channel.
    pub channel: String,
    /// The id of the card that it replies to.
    pub thread: Option<String>,
    /// Whether a reply also shows in the channel and notifies people.
    pub broadcast: bool,
    /// The text of the notification.
    pub text: String,
    /// The Block Kit blocks.
    pub blocks: Vec<Value>,
    /// The key in the metadata of the message, by which it is found again.
    pub key: String,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum SlackError {
    /// Slack limits the rate of calls.
    #[error("Slack asks to wait {0:?}")]
    RateLimited(Duration),
    /// Slack refused the call with this error code.
    #[error("Slack refused: {0}")]
    Refused(String),
    /// The call may have had an effect or not.
    #[error("Slack did not answer: {0}")]
    Unknown(String),
}

impl SlackError {
    /// Whether Slack does not accept the tokens. Then nothing works until a person corrects them.
    pub(super) fn is_about_tokens(&self) -> bool {
        matches!(self, Self::Refused(code) if TOKEN_REFUSALS.contains(&code.as_str()))
    }

    /// How long to wait before the call is repeated.
    pub(super) fn retry_delay(&self) -> Duration {
        match self {
            Self::RateLimited(wanted) => RETRY_DELAY.max(*wanted),
            refused if refused.is_about_tokens() => TOKEN_RETRY_DELAY,
            _ => RETRY_DELAY,
        }
    }

    /// Logs this failure of `action`. Refused tokens are an error that says what to do, since only a person can correct them.
    pub(super) fn log(&self, action: &str) {
        if self.is_about_tokens() {
            tracing::error!(
                error = %self,
                "{action}: Slack does not accept the tokens. Check that the app is installed with the scopes of slack-app.yaml and that \
                 SLACK_BOT_TOKEN (xoxb-) and SLACK_APP_TOKEN (xapp-, connections:write) belong to it; rollouts go on without Slack"
            );
        } else {
            tracing::warn!(error = %self, "{action}; rollouts go on without Slack");
        }
    }
}

/// The bot's access to one workspace.
pub(super) struct Connection {
    client: Arc<SlackHyperClient>,
    bot: SlackApiToken,
    app: SlackApiToken,
    /// Until when Slack wants no calls about messages. All projections of this process share it.
    paused_until: Mutex<Option<Instant>>,
}

impl Connection {
    pub(super) fn new(settings: &SlackSettings) -> std::io::Result<Self> {
        let connector = hyper_rustls::HttpsConnectorBuilder::new().with_native_roots()?;
        // Plain HTTP is only allowed for another base than Slack's own.
        let connector =
            if settings.api_url.starts_with("http://") { connector.https_or_http() } else { connector.https_only() };
        let connector = connector.enable_http1().enable_http2().build();
        let connector =
            SlackClientHyperConnector::from(connector).with_slack_api_url(settings.api_url.trim_end_matches('/'));
        Ok(Self {
            client: Arc::new(SlackClient::new(connector)),
            bot: SlackApiToken::new(settings.bot_token.expose_secret().into()),
            app: SlackApiToken::new(settings.app_token.expose_secret().into()),
            paused_until: Mutex::default(),
        })
    }

    pub(super) fn client(&self) -> Arc<SlackHyperClient> {
        Arc::clone(&self.client)
    }

    pub(super) fn app_token(&self) -> &SlackApiToken {
        &self.app
    }

    /// Checks both tokens and returns the name of the workspace.
    pub(super) async fn check(&self) -> Result<String, SlackError> {
        let test = call(self.client.open_session(&self.bot).auth_test()).await?;
        call(self.client.open_session(&self.app).apps_connections_open(&SlackApiAppsConnectionOpenRequest::new()))
            .await?;
        Ok(test.team)
    }

    /// Posts a message and returns its id (`ts`).
    pub(super) async fn post(&self, post: &Post) -> Result<String, SlackError> {
        let mut request =
            SlackApiChatPostMessageRequest::new(post.channel.clone().into(), content(&post.text, &post.blocks)?);
        let payload = HashMap::from([("op".to_owned(), post.key.clone())]);
        request.content.metadata = Some(SlackMessageMetadata::new(EVENT_TYPE.into()).with_event_payload(payload));
        request.thread_ts = post.thread.clone().map(SlackTs::new);
        request.reply_broadcast = post.thread.as_ref().map(|_| post.broadcast);
        request.unfurl_links = Some(false);
        Ok(self.call_unless_paused(self.client.open_session(&self.bot).chat_post_message(&request)).await?.ts.0)
    }

    /// Changes a message in place.
    pub(super) async fn update(&self, channel: &str, ts: &str, text: &str, blocks: &[Value]) -> Result<(), SlackError> {
        let request =
            SlackApiChatUpdateRequest::new(channel.into(), content(text, blocks)?, SlackTs::new(ts.to_owned()));
        self.call_unless_paused(self.client.open_session(&self.bot).chat_update(&request)).await.map(drop)
    }

    /// Searches a message of the bot by its key, in its thread or its channel, and returns its id. Messages from before `since` (in
    /// seconds) are left out.
    pub(super) async fn find(&self, post: &Post, since: i64) -> Result<Option<String>, SlackError> {
        let method = if post.thread.is_some() { "conversations.replies" } else { "conversations.history" };
        let mut cursor = None;
        loop {
            let params = vec![
                ("channel", Some(post.channel.clone())),
                ("ts", post.thread.clone()),
                ("oldest", Some((since - MAX_CLOCK_SKEW).max(0).to_string())),
                ("include_all_metadata", Some("true".to_owned())),
                ("limit", Some("200".to_owned())),
                ("cursor", cursor),
            ];
            let session = self.client.open_session(&self.bot);
            let answer: Value =
                self.call_unless_paused(session.http_session_api.http_get(method, &params, None)).await?;
            if let Some(ts) = find_by_key(&answer, &post.key) {
                return Ok(Some(ts));
            }
            let next = answer.pointer("/response_metadata/next_cursor").and_then(Value::as_str).unwrap_or_default();
            if next.is_empty() {
                return Ok(None);
            }
            cursor = Some(next.to_owned());
        }
    }

    /// Makes a call about messages, unless Slack asked for a pause that is not over.
    async fn call_unless_paused<T>(&self, request: impl Future<Output = ClientResult<T>>) -> Result<T, SlackError> {
        let paused = *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(left) = paused.and_then(|until| until.checked_duration_since(Instant::now())) {
            return Err(SlackError::RateLimited(left));
        }
        let answer = call(request).await;
        if let Err(SlackError::RateLimited(wanted)) = &answer {
            let wanted = Instant::now() + *wanted;
            let mut paused = self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
            *paused = Some(paused.map_or(wanted, |until| until.max(wanted)));
        }
        answer
    }

    /// Every user group with the ids of its members.
    pub(super) async fn groups(&self) -> Result<HashMap<String, Vec<String>>, SlackError> {
        let session = self.client.open_session(&self.bot);
        let params = vec![("include_users", Some("true".to_owned()))];
        let answer: Value = call(session.http_session_api.http_get("usergroups.list", &params, None)).await?;
        let groups = answer.get("usergroups").and_then(Value::as_array).into_iter().flatten();
        Ok(groups
            .filter_map(|group| {
                let users = group.get("users").and_then(Value::as_array).into_iter().flatten();
                let users = users.filter_map(|user| user.as_str().map(str::to_owned)).collect();
                Some((group.get("id")?.as_str()?.to_owned(), users))
            })
            .collect())
    }

    /// Answers a click at the address that came with it. Only the person who clicked sees the answer.
    pub(super) async fn respond(&self, url: &SlackResponseUrl, text: &str) -> Result<(), SlackError> {
        let request = SlackApiPostWebhookMessageRequest::new(SlackMessageContent::new().with_text(text.to_owned()));
        call(self.client.respond_to_event(url, &request)).await.map(drop)
    }
}

/// The id of the message whose metadata has this key.
fn find_by_key(answer: &Value, key: &str) -> Option<String> {
    let messages = answer.get("messages").and_then(Value::as_array).into_iter().flatten();
    let mut ours =
        messages.filter(|message| message.pointer("/metadata/event_payload/op").and_then(Value::as_str) == Some(key));
    ours.find_map(|message| message.get("ts")?.as_str().map(str::to_owned))
}

fn content(text: &str, blocks: &[Value]) -> Result<SlackMessageContent, SlackError> {
    let blocks: Vec<SlackBlock> = serde_json::from_value(json!(blocks))
        .map_err(|error| SlackError::Refused(format!("the blocks cannot be sent: {error}")))?;
    Ok(SlackMessageContent::new().with_text(text.to_owned()).with_blocks(blocks))
}

async fn call<T>(request: impl Future<Output = ClientResult<T>>) -> Result<T, SlackError> {
    match tokio::time::timeout(CALL_TIMEOUT, request).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(SlackClientError::ApiError(error))) => Err(SlackError::Refused(error.code)),
        Ok(Err(SlackClientError::RateLimitError(error))) => {
            Err(SlackError::RateLimited(error.retry_after.unwrap_or(Duration::from_secs(1))))
        }
        Ok(Err(error)) => Err(SlackError::Unknown(truncate(&error_chain(&error), 200))),
        Err(_) => Err(SlackError::Unknown(format!("no answer within {} s", CALL_TIMEOUT.as_secs()))),
    }
}
