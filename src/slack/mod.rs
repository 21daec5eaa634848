//! Slack: commands and clicks come in, one card and one thread per rollout go out.
//!
//! Only this folder knows Slack. A handler writes to Kubernetes once and answers. The projection makes Slack match the record. A failure
//! of Slack never reaches a rollout.

mod action;
mod cache;
mod command;
mod connection;
mod groups;
mod handler;
mod health;
mod messages;
mod outbox;
mod permissions;
mod projection;
mod refused;
mod requests;
mod settings;
mod socket;

use std::{sync::Arc, time::Duration};

use kube::Client;
use tokio::task::JoinSet;

pub use settings::{SLACK_API, SlackSettings};

use crate::{http::Readiness, text::error_chain};
use cache::Cache;
use connection::Connection;
use groups::Groups;
use handler::Handler;
use health::Health;

/// A connection that could not be set up is tried again after this time.
const RETRY_DELAY: Duration = Duration::from_secs(15);

/// Starts everything that has to do with Slack, until the returned set is dropped. A Slack error never stops the bot: its controllers may
/// be in the middle of a rollout.
#[must_use]
pub fn start(client: &Client, settings: &SlackSettings, namespaces: &[String], readiness: &Readiness) -> JoinSet<()> {
    readiness.set("slack", false);
    let mut tasks = JoinSet::new();
    tasks.spawn(run(client.clone(), settings.clone(), namespaces.to_vec(), readiness.clone()));
    tasks
}

async fn run(client: Client, settings: SlackSettings, namespaces: Vec<String>, readiness: Readiness) {
    let connection = loop {
        match Connection::new(&settings) {
            Ok(connection) => break Arc::new(connection),
            Err(error) => tracing::error!(
                error = error_chain(&error),
                "the connection to Slack could not be set up: check the CA certificates of this machine; rollouts go on without Slack"
            ),
        }
        tokio::time::sleep(RETRY_DELAY).await;
    };
    let (cache, groups, health) =
        (Arc::new(Cache::default()), Arc::new(Groups::default()), Arc::new(Health::default()));
    let mut tasks = JoinSet::new();
    for namespace in &namespaces {
        cache.watch(&client, namespace, &mut tasks);
    }
    for namespace in namespaces {
        let (connection, cache) = (Arc::clone(&connection), Arc::clone(&cache));
        tasks.spawn(projection::run(client.clone(), namespace, connection, cache, readiness.clone()));
    }
    tasks.spawn(groups::keep_refreshed(Arc::clone(&connection), Arc::clone(&groups)));
    tasks.spawn(health::keep_updated(Arc::clone(&health), Arc::clone(&groups), readiness));
    let handler = Arc::new(Handler::new(client, Arc::clone(&cache), Arc::clone(&groups)));
    tasks.spawn(socket::run(connection, handler, cache, groups, Arc::clone(&health)));
    while let Some(ended) = tasks.join_next().await {
        let error = ended.map_err(anyhow::Error::from).and_then(|ended| ended);
        tracing::error!(?error, "a task for Slack has ended; restart the bot once no rollout is active");
        health.record_ended_task();
    }
}
