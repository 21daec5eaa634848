//! What the controller of one namespace works with, and why a reconcile can end early.

use std::{path::PathBuf, time::Duration};

use kube::{Api, Client};
use thiserror::Error;

use super::{events::Events, observation::Observations};
use crate::{
    api::{FlinkApplication, FlinkRollout, ServicePort},
    cluster::{WriteError, Writer},
    flink::FlinkClient,
    proxy::{Endpoint, Proxy},
    record::{ApplicationRecord, RevisionStore, RolloutRecord},
};

/// So long one reconcile may take: two runs of helm and everything that is tried out fit in. Neither kube's client nor a connection
/// that is half open ends a call by itself.
pub(super) const RECONCILE_TIMEOUT: Duration = Duration::from_secs(240);

/// What the controller of one namespace works with.
pub struct Context {
    /// Kubernetes.
    pub client: Client,
    /// HTTP to servers of the cluster.
    pub proxy: Proxy,
    /// Path of the helm program.
    pub helm: PathBuf,
    /// The namespace.
    pub namespace: String,
    /// The epoch of this process, written into every status.
    pub epoch: i64,
    /// Kubernetes Events.
    pub events: Events,
    /// Since when each rollout is looked at.
    pub observations: Observations,
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

    /// Flink behind the application's REST Service.
    pub(super) fn flink(&self, service: &ServicePort) -> FlinkClient {
        let endpoint =
            Endpoint::Service { namespace: self.namespace.clone(), name: service.name.clone(), port: service.port };
        FlinkClient::new(self.proxy.clone(), endpoint)
    }
}

/// Why a reconcile ended early; it is done again.
#[derive(Debug, Error)]
pub enum ReconcileError {
    /// The world could not be read.
    #[error("could not read the cluster")]
    Read(#[from] kube::Error),
    /// The record could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Nothing came back.
    #[error("no end after {} s: Kubernetes, Flink or helm does not answer", RECONCILE_TIMEOUT.as_secs())]
    Stuck,
}
