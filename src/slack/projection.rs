//! Makes Slack match the record: posts the messages that are missing and updates those whose content has changed.
//!
//! There is no queue that could be lost. After an outage of Slack or a restart of the bot, the next pass finds what is missing.

use std::{collections::HashMap, sync::Arc, time::Duration};

use kube::{Client, ResourceExt};
use serde_json::json;
use thiserror::Error;

use super::{
    cache::Cache,
    connection::{Connection, Post, SlackError},
    messages::{card, thread},
    outbox::Outbox,
};
use crate::{
    api::{FlinkApplication, FlinkRollout},
    digest::short_digest_of,
    http::{Readiness, lease_part},
    text::error_chain,
};

/// The time between two passes. A card is updated at most this often.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The time before the next pass if a rollout could not be shown.
const RETRY_DELAY: Duration = Duration::from_secs(2);
/// The key of the card.
const CARD: &str = "card";
/// Slack's error codes for messages that can never be updated again.
const FINAL_UPDATE_REFUSALS: [&str; 3] = ["message_not_found", "cant_update_message", "edit_window_closed"];
/// Slack's error codes for channels that cannot contain a message of the bot.
const CHANNEL_REFUSALS: [&str; 3] = ["channel_not_found", "not_in_channel", "invalid_channel"];

/// Why Slack does not show a rollout as it is.
#[derive(Debug, Error)]
enum ProjectionError {
    #[error(transparent)]
    Slack(#[from] SlackError),
    #[error("could not read or write the record of the messages")]
    Kubernetes(#[from] kube::Error),
}

/// What Slack shows of a rollout. A rollout is left alone until this no longer matches it.
struct Shown {
    resource_version: Option<String>,
    /// The channel that its application named.
    channel: Option<String>,
    /// Whether there was a channel to show it in.
    posted: bool,
    /// Whether its end is shown, after which nothing changes.
    ended: bool,
}

impl Shown {
    fn matches(&self, rollout: &FlinkRollout, channel: Option<&String>) -> bool {
        let same_channel = self.posted || self.channel.as_ref() == channel;
        self.ended || self.resource_version == rollout.resource_version() && same_channel
    }
}

/// A rollout at the last pass.
struct LastSeen {
    rollout: Arc<FlinkRollout>,
    /// Whether it was missing in the cache then.
    missing: bool,
}

/// A message in Slack, and the content that it should have.
struct Message {
    ts: String,
    post: Post,
}

/// The rollouts of one namespace, as Slack shows them.
struct Projection {
    client: Client,
    namespace: String,
    connection: Arc<Connection>,
    cache: Arc<Cache>,
    shown: HashMap<String, Shown>,
    /// The messages of active rollouts. They are still needed after the garbage collector has deleted the record of them.
    outboxes: HashMap<String, Outbox>,
    last_seen: HashMap<String, LastSeen>,
    /// Rollouts that were deleted before Slack showed their last state.
    deleted: HashMap<String, Arc<FlinkRollout>>,
}

/// Shows the rollouts of one namespace for as long as the bot runs.
pub(super) async fn run(
    client: Client,
    namespace: String,
    connection: Arc<Connection>,
    cache: Arc<Cache>,
    readiness: Readiness,
) -> anyhow::Result<()> {
    cache.wait_until_ready().await?;
    let part = lease_part(&namespace);
    let mut projection = Projection {
        client,
        namespace,
        connection,
        cache,
        shown: HashMap::new(),
        outboxes: HashMap::new(),
        last_seen: HashMap::new(),
        deleted: HashMap::new(),
    };
    loop {
        // Without the lease, another process may post about the same rollouts.
        let delay = if readiness.is_ready(&part) { projection.show_all().await } else { POLL_INTERVAL };
        tokio::time::sleep(delay).await;
    }
}

impl Projection {
    /// Shows every rollout that has changed. Returns how long to wait before the next pass.
    async fn show_all(&mut self) -> Duration {
        let mut delay = POLL_INTERVAL;
        for rollout in self.rollouts() {
            let uid = rollout.uid().unwrap_or_default();
            let application = format!("{}/{}", self.namespace, rollout.spec.request.application);
            let application = self.cache.application(&application).ok();
            let channel = application.as_ref().and_then(|application| application.spec.channel.clone());
            if self.shown.get(&uid).is_some_and(|shown| shown.matches(&rollout, channel.as_ref())) {
                self.deleted.remove(&uid);
                continue;
            }
            let posted = match self.show(&uid, &rollout, application.as_deref()).await {
                Ok(posted) => posted,
                Err(ProjectionError::Slack(error @ SlackError::RateLimited(_))) => {
                    return delay.max(error.retry_delay());
                }
                Err(ProjectionError::Slack(error)) if error.is_about_tokens() => {
                    error.log("could not show any rollout");
                    return error.retry_delay();
                }
                Err(error) => {
                    let error = error_chain(&error);
                    tracing::warn!(rollout = %rollout.name_any(), error, "Slack does not show the current state of this rollout yet");
                    delay = delay.max(RETRY_DELAY);
                    continue;
                }
            };
            let ended = posted && rollout.status.as_ref().is_some_and(|status| status.result.is_some());
            if ended {
                self.outboxes.remove(&uid);
            }
            self.deleted.remove(&uid);
            self.shown.insert(uid, Shown { resource_version: rollout.resource_version(), channel, posted, ended });
        }
        delay
    }

    /// Every rollout of the cache, and those that were deleted before Slack showed their last state. Active ones come first, then the
    /// oldest.
    fn rollouts(&mut self) -> Vec<Arc<FlinkRollout>> {
        let uid = |rollout: &Arc<FlinkRollout>| rollout.uid().unwrap_or_default();
        let mut rollouts = self.cache.rollouts_of(Some(&self.namespace));
        let cached: HashMap<String, Arc<FlinkRollout>> =
            rollouts.iter().map(|rollout| (uid(rollout), Arc::clone(rollout))).collect();
        for rollout in self.cache.take_deleted(&self.namespace) {
            self.last_seen.remove(&uid(&rollout));
            self.deleted.insert(uid(&rollout), rollout);
        }
        // A watch that broke off reports no deletion. A rollout that is missing in two passes counts as deleted.
        for (uid, LastSeen { rollout, missing }) in std::mem::take(&mut self.last_seen) {
            match (cached.contains_key(&uid), missing) {
                (true, _) => {}
                (false, false) => drop(self.last_seen.insert(uid, LastSeen { rollout, missing: true })),
                (false, true) => drop(self.deleted.entry(uid).or_insert(rollout)),
            }
        }
        rollouts.extend(self.deleted.values().cloned());
        let ended = |rollout: &FlinkRollout| rollout.status.as_ref().is_some_and(|status| status.result.is_some());
        rollouts.sort_by_key(|rollout| (ended(rollout), rollout.metadata.creation_timestamp.clone()));
        let present = cached.into_iter().map(|(uid, rollout)| (uid, LastSeen { rollout, missing: false }));
        self.last_seen.extend(present);
        let is_needed = |uid: &String| self.last_seen.contains_key(uid) || self.deleted.contains_key(uid);
        self.shown.retain(|uid, _| is_needed(uid));
        self.outboxes.retain(|uid, _| is_needed(uid));
        rollouts
    }

    /// Shows one rollout. Returns whether there was a channel to show it in.
    async fn show(
        &mut self,
        uid: &str,
        rollout: &FlinkRollout,
        application: Option<&FlinkApplication>,
    ) -> Result<bool, ProjectionError> {
        let deleted = self.deleted.contains_key(uid);
        let wanted = application.and_then(|application| application.spec.channel.as_deref());
        let outbox = match self.outboxes.remove(uid) {
            Some(outbox) => Some(outbox),
            None => Outbox::read(&self.client, rollout, wanted, deleted).await?,
        };
        let Some(mut outbox) = outbox else { return Ok(false) };
        if outbox.is_whole() {
            return Ok(true);
        }
        if deleted {
            outbox.keep_in_memory();
        }
        let result = show_thread(&self.connection, &mut outbox, rollout, application).await;
        // After a failed write the record is read again.
        if !matches!(result, Err(ProjectionError::Kubernetes(_))) {
            self.outboxes.insert(uid.to_owned(), outbox);
        }
        result
    }
}

/// Posts the card and the thread of a rollout, and updates what has changed. Returns whether there was a channel.
async fn show_thread(
    connection: &Connection,
    outbox: &mut Outbox,
    rollout: &FlinkRollout,
    application: Option<&FlinkApplication>,
) -> Result<bool, ProjectionError> {
    let uid = rollout.uid().unwrap_or_default();
    let recorded = outbox.channel();
    let wanted = application.and_then(|application| application.spec.channel.clone()).or_else(|| recorded.clone());
    let channel = if outbox.ts(CARD).is_some() { recorded } else { wanted };
    let Some(channel) = channel else { return Ok(false) };
    let card = card(rollout);
    let post = Post {
        channel,
        thread: None,
        broadcast: false,
        text: card.text,
        blocks: card.blocks,
        key: format!("{uid}/{CARD}"),
    };
    let card = post_card(connection, outbox, post).await?;
    for line in thread(rollout, application) {
        let post = Post {
            channel: card.post.channel.clone(),
            thread: Some(card.ts.clone()),
            broadcast: line.broadcast,
            text: line.text,
            blocks: line.blocks,
            key: format!("{uid}/{}", line.key),
        };
        let ts = post_once(connection, outbox, &line.key, &post).await?;
        if line.changes {
            update_if_changed(connection, outbox, &line.key, &Message { ts, post }).await?;
        }
    }
    update_if_changed(connection, outbox, CARD, &card).await?;
    if rollout.status.as_ref().is_some_and(|status| status.result.is_some()) {
        outbox.record_whole().await?;
    }
    Ok(true)
}

/// Posts the card once. A card that may already be in the channel which the application named before stays there.
async fn post_card(connection: &Connection, outbox: &mut Outbox, post: Post) -> Result<Message, ProjectionError> {
    let former = outbox.channel().filter(|channel| *channel != post.channel);
    if let (None, Some(since), Some(channel)) = (outbox.ts(CARD), outbox.maybe_posted_since(CARD), former) {
        let post = Post { channel, ..post.clone() };
        match connection.find(&post, since).await {
            Ok(Some(ts)) => {
                outbox.record_posted(CARD, &ts, outbox.digest_of(CARD)).await?;
                return Ok(Message { ts, post });
            }
            Err(SlackError::Refused(code)) if CHANNEL_REFUSALS.contains(&code.as_str()) => {}
            other => drop(other?),
        }
    }
    let ts = post_once(connection, outbox, CARD, &post).await?;
    Ok(Message { ts, post })
}

/// Posts a message unless it was posted before: records the key, posts, records the id.
async fn post_once(
    connection: &Connection,
    outbox: &mut Outbox,
    key: &str,
    post: &Post,
) -> Result<String, ProjectionError> {
    if let Some(ts) = outbox.ts(key) {
        return Ok(ts);
    }
    if let Some(since) = outbox.maybe_posted_since(key)
        && let Some(ts) = connection.find(post, since).await?
    {
        // The message that was found has the content of its first post.
        outbox.record_posted(key, &ts, outbox.digest_of(key)).await?;
        return Ok(ts);
    }
    let digest = content_digest(post);
    outbox.record_intent(key, &post.channel, &digest).await?;
    let ts = connection.post(post).await?;
    outbox.record_posted(key, &ts, digest).await?;
    Ok(ts)
}

/// Updates a message in place if its content has changed.
async fn update_if_changed(
    connection: &Connection,
    outbox: &mut Outbox,
    key: &str,
    message: &Message,
) -> Result<(), ProjectionError> {
    let Message { ts, post } = message;
    let digest = content_digest(post);
    if outbox.get(key).is_some_and(|posted| posted.digest == digest) {
        return Ok(());
    }
    match connection.update(&post.channel, ts, &post.text, &post.blocks).await {
        // The message was deleted or can no longer be edited. The lines after it must not wait for that.
        Err(SlackError::Refused(code)) if FINAL_UPDATE_REFUSALS.contains(&code.as_str()) => {
            tracing::warn!(key, code, "a message can no longer be updated");
        }
        other => other?,
    }
    Ok(outbox.record_posted(key, ts, digest).await?)
}

fn content_digest(post: &Post) -> String {
    short_digest_of(&json!([post.text, post.blocks]), 16)
}
