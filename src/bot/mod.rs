//! One running bot: a lease and a controller for each namespace, Slack, and the health endpoint.

mod settings;
mod terms;

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use futures::future::{BoxFuture, FutureExt as _, join_all};
use kube::{Client, Config};
use tokio::{sync::oneshot, task::JoinSet};

pub use settings::Settings;

use crate::{
    controller::Halts,
    http::{self, Readiness},
    proxy::Proxy,
    record::Lease,
    slack,
};
use terms::Terms;

/// How long the controllers may take to finish their current step.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs the bot until `stop` completes or a task fails. A lost lease or an API server that is away ends the controllers only.
pub async fn run(config: Config, settings: Settings, stop: BoxFuture<'static, ()>) -> anyhow::Result<()> {
    let stop = stop.shared();
    let readiness = Readiness::default();
    let proxy = Proxy::new(&config)?;
    let client = Client::try_from(config).context("cannot create the Kubernetes client")?;
    let mut tasks: JoinSet<anyhow::Result<()>> = JoinSet::new();
    let mut first_terms = Vec::new();
    let halts = Halts::default();
    for namespace in &settings.namespaces {
        let (began, first_term) = oneshot::channel();
        first_terms.push(first_term);
        let mut terms = Terms::new(&client, &proxy, &settings, namespace, &readiness, stop.clone());
        terms.halts = halts.clone();
        tasks.spawn(terms.run(began));
    }
    let serving = http::serve(
        settings.listen,
        readiness.clone(),
        Arc::new(move || halts.as_text()),
        |at| tracing::info!(%at, "serving health, readiness and metrics"),
        stop.clone(),
    );
    tasks.spawn(async move { serving.await.context("cannot serve the health endpoint") });
    let mut first_terms = std::pin::pin!(join_all(first_terms).fuse());
    // Slack's tasks are not in `tasks`, because an outage of Slack must not end the bot.
    let mut slack = None;
    let result = loop {
        tokio::select! {
            () = stop.clone() => break Ok(()),
            Some(finished) = tasks.join_next() => break finished.unwrap_or_else(|error| Err(error.into())),
            _ = &mut first_terms => {
                let workspace = settings.slack.as_ref();
                slack = workspace.map(|workspace| slack::start(&client, workspace, &settings.namespaces, &readiness));
                tracing::info!(namespaces = ?settings.namespaces, "started");
            }
        }
    };
    if result.is_ok() {
        // The controllers finish their current step. Slack's tasks run until `drop` below, so that Slack shows this step too.
        tokio::time::timeout(SHUTDOWN_TIMEOUT, async { while tasks.join_next().await.is_some() {} }).await.ok();
        for namespace in &settings.namespaces {
            Lease::release(client.clone(), namespace, &settings.identity).await;
        }
    }
    drop(slack);
    result
}
