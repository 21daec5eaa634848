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
    posted::{Posted, PostedMessages},
};
use crate::{
    api::{FlinkApplication, FlinkRollout},
    cluster::digest_of,
};

/// How often is looked; a card is changed at most this often.
const PAUSE: Duration = Duration::from_secs(1);
const CARD: &str = "card";
/// Codes of Slack's for messages that can never be changed again.
const FOR_GOOD: [&str; 3] = ["message_not_found", "cant_update_message", "edit_window_closed"];

/// Why a rollout is not shown as it is.
#[derive(Debug, Error)]
enum ProjectionError {
    #[error(transparent)]
    Slack(#[from] SlackError),
    #[error("what was posted could not be read or noted: {0}")]
    Kubernetes(#[from] kube::Error),
}

/// Shows the rollouts of one namespace for ever.
pub(super) async fn run(
    client: Client,
    namespace: String,
    connection: Arc<Connection>,
    memory: Arc<Memory>,
) -> anyhow::Result<()> {
    let mut shown: HashMap<String, Option<String>> = HashMap::new();
    loop {
        let mut pause = PAUSE;
        let mut rollouts = memory.rollouts_of(Some(&namespace));
        rollouts.sort_by_key(|rollout| rollout.metadata.creation_timestamp.clone());
        shown.retain(|uid, _| rollouts.iter().any(|rollout| rollout.uid().as_ref() == Some(uid)));
        for rollout in rollouts {
            let uid = rollout.uid().unwrap_or_default();
            if shown.get(&uid) == Some(&rollout.resource_version()) {
                continue;
            }
            let application = memory.application(&format!("{namespace}/{}", rollout.spec.request.application)).ok();
            match show(&client, &connection, &rollout, application.as_deref()).await {
                Ok(()) => drop(shown.insert(uid, rollout.resource_version())),
                Err(ProjectionError::Slack(SlackError::Wait(wanted))) => pause = pause.max(wanted),
                Err(error) => {
                    tracing::warn!(rollout = %rollout.name_any(), %error, "Slack does not show this rollout as it is yet");
                    pause = pause.max(Duration::from_secs(2));
                }
            }
        }
        tokio::time::sleep(pause).await;
    }
}

async fn show(
    client: &Client,
    connection: &Connection,
    rollout: &FlinkRollout,
    application: Option<&FlinkApplication>,
) -> Result<(), ProjectionError> {
    let Some(wanted) = application.and_then(|application| application.spec.channel.clone()) else { return Ok(()) };
    let mut posted = PostedMessages::read(client, rollout, &wanted).await?;
    let channel = posted.channel().unwrap_or(wanted);
    let uid = rollout.uid().unwrap_or_default();
    let card = card(rollout);
    let post = |thread: Option<String>, key: &str| Post {
        channel: channel.clone(),
        thread,
        broadcast: false,
        text: String::new(),
        blocks: Vec::new(),
        key: format!("{uid}/{key}"),
    };
    let root = Post { text: card.text, blocks: card.blocks, ..post(None, CARD) };
    let ts = posted_once(connection, &mut posted, CARD, root.clone()).await?;
    for line in thread(rollout, application) {
        let reply = Post {
            text: line.text,
            blocks: line.blocks,
            broadcast: line.broadcast,
            ..post(Some(ts.clone()), &line.key)
        };
        let reply_ts = posted_once(connection, &mut posted, &line.key, reply.clone()).await?;
        if line.changes {
            changed(connection, &mut posted, &line.key, (&reply_ts, &reply)).await?;
        }
    }
    changed(connection, &mut posted, CARD, (&ts, &root)).await
}

/// Posts a message, unless it was posted: key noted, posted, id noted.
async fn posted_once(
    connection: &Connection,
    posted: &mut PostedMessages,
    key: &str,
    post: Post,
) -> Result<String, ProjectionError> {
    let known = posted.get(key);
    if let Some(ts) = known.as_ref().and_then(|posted| posted.ts.clone()) {
        return Ok(ts);
    }
    let digest = digest(&post);
    let found = match known {
        Some(_) => connection.find(&post.channel, post.thread.as_deref(), &post.key).await?,
        None => None,
    };
    let ts = if let Some(ts) = found {
        ts
    } else {
        posted.set(key, &Posted { ts: None, digest: digest.clone() }).await?;
        connection.post(&post).await?
    };
    posted.set(key, &Posted { ts: Some(ts.clone()), digest }).await?;
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
    Ok(posted.set(key, &Posted { ts: Some(ts.to_owned()), digest }).await?)
}

fn digest(post: &Post) -> String {
    digest_of(&json!([post.text, post.blocks])).chars().take(16).collect()
}
