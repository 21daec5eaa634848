//! One running bot: a lease and a controller for each namespace, Slack, and the health endpoint.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use futures::future::{BoxFuture, FutureExt as _, Shared};
use kube::{Api, Client, Config, api::ListParams};
use tokio::task::JoinSet;

use crate::{
    api::FlinkRollout,
    controller::{self, Events},
    http::{self, Readiness},
    proxy::Proxy,
    record::Lease,
    slack::{self, SlackSettings},
};

/// How long the controllers may take to finish their current step.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// The settings of a bot, from the command line.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Namespaces whose applications the bot deploys.
    pub namespaces: Vec<String>,
    /// Path of the helm program.
    pub helm: PathBuf,
    /// Address of the health endpoint.
    pub listen: SocketAddr,
    /// Time after which a lease expires if it is not renewed.
    pub lease: Duration,
    /// Name of this process in leases and Events.
    pub identity: String,
    /// None for a bot that takes orders from kubectl only.
    pub slack: Option<SlackSettings>,
}

/// Runs the bot until `stop` completes, a task fails, or a lease is lost.
pub async fn run(config: Config, settings: Settings, stop: BoxFuture<'static, ()>) -> anyhow::Result<()> {
    let stop = stop.shared();
    let readiness = Readiness::default();
    readiness.set("kubernetes", false);
    let proxy = Proxy::new(&config)?;
    let client = Client::try_from(config).context("cannot create the Kubernetes client")?;
    let mut tasks: JoinSet<anyhow::Result<()>> = JoinSet::new();
    let serving = http::serve(
        settings.listen,
        readiness.clone(),
        |at| tracing::info!(%at, "serving health and readiness"),
        stop.clone(),
    );
    tasks.spawn(async move { serving.await.context("cannot serve the health endpoint") });
    for namespace in &settings.namespaces {
        watch_namespace(&client, &proxy, &settings, namespace, &stop, &mut tasks).await?;
    }
    // Slack's tasks are not in `tasks`, because an outage of Slack must not end the bot.
    let slack = settings.slack.as_ref();
    let slack = slack.map(|workspace| slack::start(&client, workspace, &settings.namespaces, &readiness));
    readiness.set("kubernetes", true);
    tracing::info!(namespaces = ?settings.namespaces, "started");
    let result = tokio::select! {
        () = stop.clone() => Ok(()),
        Some(finished) = tasks.join_next() => finished.unwrap_or_else(|error| Err(error.into())),
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

async fn watch_namespace(
    client: &Client,
    proxy: &Proxy,
    settings: &Settings,
    namespace: &str,
    stop: &Shared<BoxFuture<'static, ()>>,
    tasks: &mut JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<()> {
    // Without this check, a missing CRD would show only as endless retries of the watch.
    let rollouts: Api<FlinkRollout> = Api::namespaced(client.clone(), namespace);
    let existing = rollouts.list(&ListParams::default()).await.with_context(|| {
        format!("cannot read the FlinkRollouts of namespace {namespace}: apply manifests/crds.yaml and manifests/role.yaml first")
    })?;
    let highest_epoch =
        existing.items.iter().filter_map(|rollout| Some(rollout.status.as_ref()?.epoch)).max().unwrap_or(0);
    let lease = Lease::acquire(client.clone(), namespace, &settings.identity, settings.lease, highest_epoch).await?;
    let context = Arc::new(controller::Context {
        client: client.clone(),
        proxy: proxy.clone(),
        helm: settings.helm.clone(),
        namespace: namespace.to_owned(),
        epoch: lease.epoch(),
        observations: controller::Observations::default(),
        events: Events::new(client.clone(), settings.identity.clone()),
    });
    let (until, client) = (stop.clone(), client.clone());
    tasks.spawn(async move {
        tokio::select! {
            // A process without the lease may not write. It ends, and the epoch makes its late writes fail.
            lost = lease.renew_until_lost() => Err(lost.into()),
            () = controller::run(client, context, until) => Ok(()),
        }
    });
    Ok(())
}
