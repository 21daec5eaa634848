//! One running bot: the lease, a controller for each namespace, Slack and the health endpoint, until it is told to stop.

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

/// How a bot is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Namespaces whose applications it moves.
    pub namespaces: Vec<String>,
    /// Path of the helm program.
    pub helm: PathBuf,
    /// Where health is served.
    pub listen: SocketAddr,
    /// How long a lease holds without being renewed.
    pub lease: Duration,
    /// Who this process is, in leases and Events.
    pub identity: String,
    /// Slack; none for a bot that is driven by kubectl alone.
    pub slack: Option<SlackSettings>,
}

/// Runs the bot until `stop` is done or it may no longer act.
pub async fn run(config: Config, settings: Settings, stop: BoxFuture<'static, ()>) -> anyhow::Result<()> {
    let stop = stop.shared();
    let readiness = Readiness::default();
    readiness.set("kubernetes", false);
    let proxy = Proxy::new(&config)?;
    let client = Client::try_from(config).context("the Kubernetes client could not be made")?;
    let mut tasks: JoinSet<anyhow::Result<()>> = JoinSet::new();
    let serving = http::serve(settings.listen, readiness.clone(), |at| tracing::info!(%at, "health"), stop.clone());
    tasks.spawn(async move { serving.await.context("the health endpoint could not be served") });
    for namespace in &settings.namespaces {
        watch_namespace(&client, &proxy, &settings, namespace, &stop, &mut tasks).await?;
    }
    // Apart from the tasks whose end is the bot's: Slack may refuse, or be away, for as long as it likes.
    let slack = settings.slack.as_ref();
    let slack = slack.map(|workspace| slack::start(&client, workspace, &settings.namespaces, &readiness));
    readiness.set("kubernetes", true);
    tracing::info!(namespaces = ?settings.namespaces, "at work");
    let ended = tokio::select! {
        () = stop.clone() => Ok(()),
        Some(first) = tasks.join_next() => first.unwrap_or_else(|error| Err(error.into())),
    };
    if ended.is_ok() {
        // The controllers finish the step they are in; what keeps up with Slack has nothing to finish, and shows their last step.
        tokio::time::timeout(Duration::from_secs(5), async { while tasks.join_next().await.is_some() {} }).await.ok();
        for namespace in &settings.namespaces {
            Lease::release(client.clone(), namespace, &settings.identity).await;
        }
    }
    drop(slack);
    ended
}

async fn watch_namespace(
    client: &Client,
    proxy: &Proxy,
    settings: &Settings,
    namespace: &str,
    stop: &Shared<BoxFuture<'static, ()>>,
    tasks: &mut JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<()> {
    // A missing kind would otherwise show only as endless soft errors of the watch.
    let rollouts: Api<FlinkRollout> = Api::namespaced(client.clone(), namespace);
    let known = rollouts.list(&ListParams::default()).await.with_context(|| {
        format!("FlinkRollouts of namespace {namespace} cannot be read: apply manifests/crds.yaml and manifests/role.yaml first")
    })?;
    let epochs_end = known.items.iter().filter_map(|rollout| Some(rollout.status.as_ref()?.epoch)).max().unwrap_or(0);
    let lease = Lease::acquire(client.clone(), namespace, &settings.identity, settings.lease, epochs_end).await?;
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
            // Without the lease nothing may be written any more: the process ends, and its writes fail by the epoch.
            lost = lease.keep() => Err(lost.into()),
            () = controller::run(client, context, until) => Ok(()),
        }
    });
    Ok(())
}
