//! Slack: commands and clicks in, one card and one thread per rollout out.
//!
//! Only this folder knows Slack. A handler writes to Kubernetes once and answers; the projection makes Slack match the record, and
//! nothing that Slack does or fails to do reaches a rollout.

mod action;
mod authority;
mod command;
mod connection;
mod handler;
mod health;
mod memory;
mod messages;
mod posted;
mod projection;
mod refused;
mod requests;
mod settings;
mod socket;

use std::{sync::Arc, time::Duration};

use kube::Client;
use tokio::task::JoinSet;

pub use action::{Asks, Click, OfferedChoice};
pub use command::{Command, ParseError, parse};
pub use messages::{Card, Line, card, thread};
pub use settings::{SLACK_API, SlackSettings};

use crate::http::Readiness;
use connection::Connection;
use handler::Handler;
use health::Health;
use memory::Memory;

/// How soon a connection that could not be set up is tried again.
const AGAIN: Duration = Duration::from_secs(15);

/// Starts everything that has to do with Slack. It goes on for ever, whatever Slack says, and ends when the set is dropped: nothing here may
/// end the bot, whose controllers may be in the middle of a hand-over.
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
                %error,
                "the connection to Slack could not be set up: check the CA certificates of this machine; rollouts go on without Slack"
            ),
        }
        tokio::time::sleep(AGAIN).await;
    };
    let (memory, health) = (Arc::new(Memory::default()), Arc::new(Health::default()));
    let mut parts = JoinSet::new();
    for namespace in &namespaces {
        memory.watch(&client, namespace, &mut parts);
    }
    for namespace in namespaces {
        parts.spawn(projection::run(client.clone(), namespace, Arc::clone(&connection), Arc::clone(&memory)));
    }
    parts.spawn(memory::keep_groups(Arc::clone(&connection), Arc::clone(&memory)));
    parts.spawn(health::keep(Arc::clone(&health), Arc::clone(&memory), readiness));
    let handler = Arc::new(Handler::new(client, Arc::clone(&memory)));
    parts.spawn(socket::run(connection, handler, memory, Arc::clone(&health)));
    while let Some(ended) = parts.join_next().await {
        let error = ended.map_err(anyhow::Error::from).and_then(|ended| ended);
        tracing::error!(
            ?error,
            "a part of what keeps up with Slack has ended; restart the bot once no rollout is active"
        );
        health.broken();
    }
}
