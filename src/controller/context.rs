//! The clients of the controller of one namespace, and the errors that end a reconcile early.

use std::time::Duration;

use kube::{Api, Client};
use thiserror::Error;
use tokio::sync::Semaphore;

use super::{events::Events, halts::Halts, masking::SecretValues, observation::Observations};
use crate::{
    api::{FlinkApplication, FlinkRollout, ServicePort},
    bake::Renderer,
    cluster::{WriteError, Writer},
    flink::FlinkClient,
    proxy::{Endpoint, Proxy},
    record::{ApplicationRecord, RevisionStore, RolloutRecord},
};

/// How long one reconcile may take. Two runs of Helm and all dry runs fit in. kube's client has no timeout of its own, and a half-open
/// connection does not end a call.
pub(super) const RECONCILE_TIMEOUT: Duration = Duration::from_secs(240);

pub struct Context {
    pub client: Client,
    /// HTTP to Services and pods, through the API server.
    pub proxy: Proxy,
    pub renderer: Renderer,
    /// Admits a few plans at once. Many plans must not delay a rollout whose application is down.
    pub planning: Semaphore,
    pub namespace: String,
    /// The epoch of this process. It is written into every status.
    pub epoch: i64,
    pub events: Events,
    pub observations: Observations,
    pub halts: Halts,
    /// What this process has read of Secrets. No text that it writes shows it.
    pub secrets: SecretValues,
}

impl Context {
    pub(super) fn rollouts(&self) -> Api<FlinkRollout> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub(super) fn applications(&self) -> Api<FlinkApplication> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub(super) fn rollout_record(&self) -> RolloutRecord {
        RolloutRecord::new(self.client.clone(), &self.namespace)
    }

    pub(super) fn application_record(&self) -> ApplicationRecord {
        ApplicationRecord::new(self.client.clone(), &self.namespace)
    }

    pub(super) fn revisions(&self) -> RevisionStore {
        RevisionStore::new(self.client.clone(), &self.namespace)
    }

    pub(super) fn writer(&self) -> Writer {
        Writer::new(self.client.clone(), &self.namespace)
    }

    pub(super) fn flink(&self, service: &ServicePort) -> FlinkClient {
        let endpoint =
            Endpoint::Service { namespace: self.namespace.clone(), name: service.name.clone(), port: service.port };
        FlinkClient::new(self.proxy.clone(), endpoint)
    }
}

/// Why a reconcile ended early. It is repeated.
#[derive(Debug, Error)]
pub enum ReconcileError {
    #[error("could not read the cluster")]
    Read(#[from] kube::Error),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("the reconcile did not end within {} s, because Kubernetes, Flink or Helm does not answer: it is tried again", RECONCILE_TIMEOUT.as_secs())]
    Stuck,
}
