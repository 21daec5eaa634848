//! Slack: commands and clicks in, one card and one thread per rollout out.
//!
//! Only this folder knows Slack. A handler writes to Kubernetes once and answers; the projection makes Slack match the record, and
//! nothing that Slack does or fails to do reaches a rollout.

mod action;
mod authority;
mod command;
mod connection;
mod handler;
mod memory;
mod messages;
mod posted;
mod projection;
mod requests;
mod socket;
mod words;

use std::sync::Arc;

use anyhow::Context as _;
use kube::Client;
use secrecy::SecretString;
use tokio::task::JoinSet;

pub use action::{Asks, Click};
pub use command::{Command, ParseError, parse};
pub use messages::{Card, Line, card, thread};

use crate::http::Readiness;
use connection::Connection;
use handler::Handler;
use memory::Memory;

/// How to reach Slack.
#[derive(Debug, Clone)]
pub struct SlackSettings {
    /// Bot token, `xoxb-`.
    pub bot_token: SecretString,
    /// App-level token for Socket Mode, `xapp-` with `connections:write`.
    pub app_token: SecretString,
    /// Base of the Web API, without a slash at its end.
    pub api_url: String,
}

/// Slack's own Web API.
pub const SLACK_API: &str = "https://slack.com/api";

/// Starts everything that has to do with Slack, as tasks of `tasks`.
pub fn start(
    client: &Client,
    settings: &SlackSettings,
    namespaces: &[String],
    readiness: &Readiness,
    tasks: &mut JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<()> {
    readiness.set("slack", false);
    let connection = Arc::new(Connection::new(settings).context("the connection to Slack could not be set up")?);
    let memory = Arc::new(Memory::default());
    for namespace in namespaces {
        memory.watch(client, namespace, tasks);
        tasks.spawn(projection::run(client.clone(), namespace.clone(), Arc::clone(&connection), Arc::clone(&memory)));
    }
    tasks.spawn(memory::keep_groups(Arc::clone(&connection), Arc::clone(&memory)));
    let handler = Arc::new(Handler::new(client.clone(), Arc::clone(&memory)));
    tasks.spawn(socket::run(connection, handler, memory, readiness.clone()));
    Ok(())
}
