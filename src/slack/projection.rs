//! Makes Slack match the record: looks at every rollout of a namespace, posts what is missing and changes what says something else.
//!
//! There is no queue to lose: after an outage of Slack or a restart of the bot the same look finds what is missing.

use std::{collections::HashMap, sync::Arc, time::Duration};

use kube::{Client, ResourceExt};
use serde_json::json;
use thiserror::Error;

use super::{
    connection::{Connection, Post, SlackError},
    memory::Memory,
    messages::{card, thread},
    posted::PostedMessages,
};
use crate::{
    api::{FlinkApplication, FlinkRollout},
    digest::short_digest_of,
    text::error_chain,
};

/// How often is looked; a card is changed at most this often.
const PAUSE: Duration = Duration::from_secs(1);
const CARD: &str = "card";
/// Codes of Slack's for messages that can never be changed again.
const FOR_GOOD: [&str; 3] = ["message_not_found", "cant_update_message", "edit_window_closed"];
/// Codes of Slack's for channels in which nothing of ours can be.
const NO_CHANNEL: [&str; 3] = ["channel_not_found", "not_in_channel", "invalid_channel"];

/// Why a rollout is not shown as it is.
#[derive(Debug, Error)]
enum ProjectionError {
    #[error(transparent)]
    Slack(#[from] SlackError),
    #[error("what was posted could not be read or noted")]
    Kubernetes(#[from] kube::Error),
}

/// What was done about a rollout, so that it is not looked at again until something changes.
struct Seen {
    version: Option<String>,
    /// The channel that its application named.
    channel: Option<String>,
    /// Whether there was a channel to show it in.
    placed: bool,
    /// Whether all that there will ever be is shown.
    whole: bool,
}

impl Seen {
    fn covers(&self, rollout: &FlinkRollout, channel: Option<&String>) -> bool {
        self.whole || self.version == rollout.resource_version() && (self.placed || self.channel.as_ref() == channel)
    }
}

/// The rollouts of one namespace, in Slack.
struct Projection {
    client: Client,
    namespace: String,
    connection: Arc<Connection>,
    memory: Arc<Memory>,
    seen: HashMap<String, Seen>,
    /// What was posted of the rollouts that go on: it must be known after the garbage collector took the record of it.
    posted: HashMap<String, PostedMessages>,
    /// Rollouts as they were at the last look, and whether they were missing then.
    last: HashMap<String, (Arc<FlinkRollout>, bool)>,
    /// Rollouts that were deleted and are not shown as they ended.
    gone: HashMap<String, Arc<FlinkRollout>>,
}

/// Shows the rollouts of one namespace for ever.
pub(super) async fn run(
    client: Client,
    namespace: String,
    connection: Arc<Connection>,
    memory: Arc<Memory>,
) -> anyhow::Result<()> {
    memory.ready().await?;
    let mut projection = Projection {
        client,
        namespace,
        connection,
        memory,
        seen: HashMap::new(),
        posted: HashMap::new(),
        last: HashMap::new(),
        gone: HashMap::new(),
    };
    loop {
        let pause = projection.look().await;
        tokio::time::sleep(pause).await;
    }
}

impl Projection {
    /// Looks at every rollout; how long to wait before the next look.
    async fn look(&mut self) -> Duration {
        let mut pause = PAUSE;
        for rollout in self.rollouts() {
            let uid = rollout.uid().unwrap_or_default();
            let application = format!("{}/{}", self.namespace, rollout.spec.request.application);
            let application = self.memory.application(&application).ok();
            let channel = application.as_ref().and_then(|application| application.spec.channel.clone());
            if self.seen.get(&uid).is_some_and(|seen| seen.covers(&rollout, channel.as_ref())) {
                self.gone.remove(&uid);
                continue;
            }
            let placed = match self.show(&uid, &rollout, application.as_deref()).await {
                Ok(placed) => placed,
                Err(ProjectionError::Slack(error @ SlackError::Wait(_))) => return pause.max(error.pause()),
                Err(ProjectionError::Slack(error)) if error.is_of_tokens() => {
                    error.log("no rollout can be shown");
                    return error.pause();
                }
                Err(error) => {
                    let error = error_chain(&error);
                    tracing::warn!(rollout = %rollout.name_any(), error, "Slack does not show this rollout as it is yet");
                    pause = pause.max(Duration::from_secs(2));
                    continue;
                }
            };
            let whole = placed && rollout.status.as_ref().is_some_and(|status| status.result.is_some());
            if whole {
                self.posted.remove(&uid);
            }
            self.gone.remove(&uid);
            self.seen.insert(uid, Seen { version: rollout.resource_version(), channel, placed, whole });
        }
        pause
    }

    /// Every rollout that there is, and those that were deleted before what they said last was shown; the oldest first.
    fn rollouts(&mut self) -> Vec<Arc<FlinkRollout>> {
        let uid = |rollout: &Arc<FlinkRollout>| rollout.uid().unwrap_or_default();
        let mut rollouts = self.memory.rollouts_of(Some(&self.namespace));
        let there: HashMap<String, Arc<FlinkRollout>> =
            rollouts.iter().map(|rollout| (uid(rollout), Arc::clone(rollout))).collect();
        for ended in self.memory.take_gone(&self.namespace) {
            self.last.remove(&uid(&ended));
            self.gone.insert(uid(&ended), ended);
        }
        // A watch that broke off tells of no end: what was missing twice is shown as it was seen last.
        for (uid, (rollout, missing)) in std::mem::take(&mut self.last) {
            match (there.contains_key(&uid), missing) {
                (true, _) => {}
                (false, false) => drop(self.last.insert(uid, (rollout, true))),
                (false, true) => drop(self.gone.entry(uid).or_insert(rollout)),
            }
        }
        rollouts.extend(self.gone.values().cloned());
        rollouts.sort_by_key(|rollout| rollout.metadata.creation_timestamp.clone());
        self.last.extend(there.into_iter().map(|(uid, rollout)| (uid, (rollout, false))));
        let known = |uid: &String| self.last.contains_key(uid) || self.gone.contains_key(uid);
        self.seen.retain(|uid, _| known(uid));
        self.posted.retain(|uid, _| known(uid));
        rollouts
    }

    /// Shows one; whether there was a channel to show it in.
    async fn show(
        &mut self,
        uid: &str,
        rollout: &FlinkRollout,
        application: Option<&FlinkApplication>,
    ) -> Result<bool, ProjectionError> {
        let gone = self.gone.contains_key(uid);
        let wanted = application.and_then(|application| application.spec.channel.as_deref());
        let known = match self.posted.remove(uid) {
            Some(posted) => Some(posted),
            None => PostedMessages::read(&self.client, rollout, wanted, gone).await?,
        };
        let Some(mut posted) = known else { return Ok(false) };
        if gone {
            posted.outlive_the_rollout();
        }
        let shown = show(&self.connection, &mut posted, rollout, application).await;
        // What could not be noted is read again.
        if !matches!(shown, Err(ProjectionError::Kubernetes(_))) {
            self.posted.insert(uid.to_owned(), posted);
        }
        shown
    }
}

async fn show(
    connection: &Connection,
    posted: &mut PostedMessages,
    rollout: &FlinkRollout,
    application: Option<&FlinkApplication>,
) -> Result<bool, ProjectionError> {
    let uid = rollout.uid().unwrap_or_default();
    let noted = posted.channel();
    let wanted = application.and_then(|application| application.spec.channel.clone()).or_else(|| noted.clone());
    let channel = if posted.ts(CARD).is_some() { noted } else { wanted };
    let Some(channel) = channel else { return Ok(false) };
    let card = card(rollout);
    let root = Post {
        channel,
        thread: None,
        broadcast: false,
        text: card.text,
        blocks: card.blocks,
        key: format!("{uid}/{CARD}"),
    };
    let (root, ts) = card_posted(connection, posted, root).await?;
    for line in thread(rollout, application) {
        let reply = Post {
            channel: root.channel.clone(),
            thread: Some(ts.clone()),
            broadcast: line.broadcast,
            text: line.text,
            blocks: line.blocks,
            key: format!("{uid}/{}", line.key),
        };
        let reply_ts = posted_once(connection, posted, &line.key, &reply).await?;
        if line.changes {
            changed(connection, posted, &line.key, (&reply_ts, &reply)).await?;
        }
    }
    changed(connection, posted, CARD, (&ts, &root)).await?;
    Ok(true)
}

/// Posts the card, unless it was posted, perhaps to another channel than the application names by now: then it stays there.
async fn card_posted(
    connection: &Connection,
    posted: &mut PostedMessages,
    root: Post,
) -> Result<(Post, String), ProjectionError> {
    let noted = posted.channel().filter(|noted| *noted != root.channel);
    if let (None, Some(since), Some(channel)) = (posted.ts(CARD), posted.perhaps_since(CARD), noted) {
        let there = Post { channel, ..root.clone() };
        match connection.find(&there, since).await {
            Ok(Some(ts)) => {
                posted.set(CARD, &ts, posted.noted_digest(CARD)).await?;
                return Ok((there, ts));
            }
            Err(SlackError::Refused(code)) if NO_CHANNEL.contains(&code.as_str()) => {}
            other => drop(other?),
        }
    }
    let ts = posted_once(connection, posted, CARD, &root).await?;
    Ok((root, ts))
}

/// Posts a message, unless it was posted: key noted, posted, id noted.
async fn posted_once(
    connection: &Connection,
    posted: &mut PostedMessages,
    key: &str,
    post: &Post,
) -> Result<String, ProjectionError> {
    if let Some(ts) = posted.ts(key) {
        return Ok(ts);
    }
    if let Some(since) = posted.perhaps_since(key)
        && let Some(ts) = connection.find(post, since).await?
    {
        // It says what it said then.
        posted.set(key, &ts, posted.noted_digest(key)).await?;
        return Ok(ts);
    }
    let digest = digest(post);
    posted.intend(key, &post.channel, &digest).await?;
    let ts = connection.post(post).await?;
    posted.set(key, &ts, digest).await?;
    Ok(ts)
}

/// Changes a message in place if it says something else.
async fn changed(
    connection: &Connection,
    posted: &mut PostedMessages,
    key: &str,
    message: (&str, &Post),
) -> Result<(), ProjectionError> {
    let (ts, post) = message;
    let digest = digest(post);
    if posted.get(key).is_some_and(|posted| posted.digest == digest) {
        return Ok(());
    }
    match connection.update(&post.channel, ts, &post.text, &post.blocks).await {
        // Somebody deleted it, or it may not be edited any more: the lines after it must not wait for that.
        Err(SlackError::Refused(code)) if FOR_GOOD.contains(&code.as_str()) => {
            tracing::warn!(key, code, "a message can no longer be changed");
        }
        other => other?,
    }
    Ok(posted.set(key, ts, digest).await?)
}

fn digest(post: &Post) -> String {
    short_digest_of(&json!([post.text, post.blocks]), 16)
}
