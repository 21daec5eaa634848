//! The terms of one namespace. A term begins when this process wins the lease, and ends when it loses it. The controllers run only
//! during a term. Between two terms this process writes nothing, and tries to win the lease again.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use futures::future::{BoxFuture, Shared};
use kube::Client;
use tokio::sync::{Semaphore, oneshot};

use super::settings::Settings;
use crate::{
    controller::{self, Events, Halts},
    http::{Readiness, lease_part},
    proxy::Proxy,
    record::{Candidate, Lease, LeaseError, highest_epoch},
    retention,
    text::error_chain,
};

/// The API server may come back at any moment, while an application waits at 0 replicas. So the pauses stay short.
const MIN_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(8);
/// Longest time for the calls at the beginning of a term, without the time for which a foreign lease is watched. kube's client has no
/// timeout of its own.
const CALLS_TIMEOUT: Duration = Duration::from_secs(30);

/// How many plans of one namespace are made at once. Each runs Helm twice and asks for many dry runs.
const MAX_PLANS: usize = 4;

pub(super) struct Terms {
    client: Client,
    proxy: Proxy,
    settings: Settings,
    namespace: String,
    readiness: Readiness,
    pub(super) halts: Halts,
    stop: Shared<BoxFuture<'static, ()>>,
}

impl Terms {
    pub(super) fn new(
        client: &Client,
        proxy: &Proxy,
        settings: &Settings,
        namespace: &str,
        readiness: &Readiness,
        stop: Shared<BoxFuture<'static, ()>>,
    ) -> Self {
        readiness.set(&lease_part(namespace), false);
        Self {
            client: client.clone(),
            proxy: proxy.clone(),
            settings: settings.clone(),
            namespace: namespace.to_owned(),
            readiness: readiness.clone(),
            halts: Halts::default(),
            stop,
        }
    }

    /// Begins one term after another until the bot stops. `began` is told of the first one.
    ///
    /// Before the first term, an error that a person has to correct ends the bot. Afterwards nothing does: a rollout may be between
    /// Stop and Deploy.
    pub(super) async fn run(self, began: oneshot::Sender<()>) -> anyhow::Result<()> {
        let mut began = Some(began);
        let mut last_epoch = None;
        let mut pause = MIN_PAUSE;
        loop {
            let won = tokio::select! {
                () = self.stop.clone() => return Ok(()),
                won = self.begin(last_epoch) => won,
            };
            let error = match won {
                Ok(lease) => {
                    (pause, last_epoch) = (MIN_PAUSE, Some(lease.epoch()));
                    self.readiness.set(&lease_part(&self.namespace), true);
                    if let Some(began) = began.take() {
                        // The receiver is gone only while the bot stops.
                        _ = began.send(());
                    }
                    let Some(lost) = self.lead(lease).await else { return Ok(()) };
                    self.readiness.set(&lease_part(&self.namespace), false);
                    lost.into()
                }
                Err(error) if last_epoch.is_none() && needs_a_person(&error) => return Err(error),
                Err(error) => error,
            };
            if let Some(LeaseError::Lost(_) | LeaseError::Held { .. }) = error.downcast_ref() {
                self.halts.forget(&self.namespace);
            }
            let error = error_chain(error.as_ref());
            tracing::warn!(
                namespace = self.namespace,
                error,
                "no rollout moves until the lease is won: it is tried again"
            );
            tokio::select! {
                () = self.stop.clone() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    async fn begin(&self, own_epoch: Option<i64>) -> anyhow::Result<Lease> {
        let won = tokio::time::timeout(self.settings.lease * 3 + CALLS_TIMEOUT, self.win_lease(own_epoch)).await;
        won.unwrap_or_else(|_| {
            Err(anyhow::anyhow!(
                "the API server did not answer while the lease of namespace {} was read",
                self.namespace
            ))
        })
    }

    async fn win_lease(&self, own_epoch: Option<i64>) -> anyhow::Result<Lease> {
        let namespace = &self.namespace;
        // Without this check, a missing CRD would show only as endless retries of the watch.
        let highest_epoch = highest_epoch(&self.client, namespace).await.with_context(|| {
            format!("cannot read the FlinkRollouts of namespace {namespace}: apply manifests/crds.yaml and manifests/role.yaml first")
        })?;
        let candidate =
            Candidate { identity: &self.settings.identity, duration: self.settings.lease, highest_epoch, own_epoch };
        Ok(Lease::acquire(self.client.clone(), namespace, candidate).await?)
    }

    /// Runs the controllers until the lease is lost. None if the bot stops.
    async fn lead(&self, lease: Lease) -> Option<LeaseError> {
        let context = Arc::new(controller::Context {
            client: self.client.clone(),
            proxy: self.proxy.clone(),
            renderer: self.settings.renderer.clone(),
            planning: Semaphore::new(MAX_PLANS),
            namespace: self.namespace.clone(),
            epoch: lease.epoch(),
            observations: controller::Observations::default(),
            events: Events::new(self.client.clone(), self.settings.identity.clone()),
            halts: self.halts.clone(),
            secrets: controller::SecretValues::default(),
        });
        tokio::select! {
            // A process without the lease may not write. Its controllers end here, and the epoch makes their late writes fail.
            lost = lease.renew_until_lost() => Some(lost),
            () = controller::run(self.client.clone(), context, self.stop.clone()) => None,
            // It never ends by itself.
            () = retention::keep_pruned(self.client.clone(), self.namespace.clone()) => None,
        }
    }
}

/// Whether waiting does not help: another bot has the namespace, or a kind or a right is missing.
fn needs_a_person(error: &anyhow::Error) -> bool {
    let refused = match error.downcast_ref() {
        Some(LeaseError::Held { .. }) => return true,
        Some(LeaseError::Api { source, .. }) => Some(source.as_ref()),
        _ => error.downcast_ref(),
    };
    matches!(refused, Some(kube::Error::Api(status)) if matches!(status.code, 403 | 404))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_waiting_does_not_help_ends_the_start() {
        let api = |code: u16| {
            let status: kube::core::Status = serde_json::from_value(serde_json::json!({ "code": code })).unwrap();
            anyhow::Error::from(kube::Error::Api(Box::new(status))).context("cannot read the FlinkRollouts")
        };
        assert!(needs_a_person(&api(404)), "the kinds are missing");
        assert!(needs_a_person(&api(403)));
        for code in [429, 500, 503, 504] {
            assert!(!needs_a_person(&api(code)), "{code}");
        }
        let held = LeaseError::Held { holder: "other".to_owned(), namespace: "flink".to_owned() };
        assert!(needs_a_person(&held.into()));
        assert!(!needs_a_person(&LeaseError::Lost("flink".to_owned()).into()));
        assert!(!needs_a_person(&anyhow::anyhow!("connection refused")));
    }
}
