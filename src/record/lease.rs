//! One process per namespace: a Lease, judged by a local clock since it last changed, never by comparing clocks.
//!
//! `leaseTransitions` only grows; it is the epoch written into every status, so a deposed process cannot write any more.

use std::time::{Duration, Instant};

use k8s_openapi::{
    api::coordination::v1::{Lease as KubeLease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api, Client, ResourceExt,
    api::{ObjectMeta, PostParams},
};
use thiserror::Error;

use crate::text::error_chain;

const NAME: &str = "lockkeeper";

/// Why this process may not act in a namespace.
#[derive(Debug, Error)]
pub enum LeaseError {
    /// Another process renews it.
    #[error(
        "another Lockkeeper ({holder}) is at work in namespace {namespace}; stop it first, or wait until it is gone"
    )]
    Held {
        /// Its identity.
        holder: String,
        /// The namespace.
        namespace: String,
    },
    /// It was taken over.
    #[error("the lease of namespace {0} was taken by another process")]
    Lost(String),
    /// It could not be renewed, so another process may take it any moment.
    #[error(
        "the lease of namespace {namespace} could not be renewed for {seconds} s: the API server or this machine is too slow; starting again is safe"
    )]
    NotRenewed {
        /// The namespace.
        namespace: String,
        /// For how long.
        seconds: u64,
    },
    /// The API server.
    #[error("could not read or write the lease of namespace {namespace}")]
    Api {
        /// The namespace.
        namespace: String,
        /// Why.
        source: Box<kube::Error>,
    },
}

/// The right to act in one namespace.
pub struct Lease {
    api: Api<KubeLease>,
    namespace: String,
    held: KubeLease,
    duration: Duration,
}

impl Lease {
    /// Takes the lease, or refuses because another process renews it within one `duration`. `epochs_end` is the highest epoch in any
    /// record: a Lease that somebody deleted must not begin below it.
    pub async fn acquire(
        client: Client,
        namespace: &str,
        identity: &str,
        duration: Duration,
        epochs_end: i64,
    ) -> Result<Self, LeaseError> {
        let lowest = i32::try_from(epochs_end).unwrap_or(i32::MAX).saturating_add(1);
        let api: Api<KubeLease> = Api::namespaced(client, namespace);
        let failed = |source| LeaseError::Api { namespace: namespace.to_owned(), source: Box::new(source) };
        let Some(mut current) = api.get_opt(NAME).await.map_err(failed)? else {
            let lease = KubeLease {
                metadata: ObjectMeta { name: Some(NAME.to_owned()), ..Default::default() },
                spec: Some(spec(identity, duration, lowest)),
            };
            let held = api.create(&PostParams::default(), &lease).await.map_err(failed)?;
            return Ok(Self { api, namespace: namespace.to_owned(), held, duration });
        };
        let mut changes = 0;
        while let Some(holder) = holder_of(&current) {
            let Some(later) = changed(&api, &current).await.map_err(failed)? else { break };
            changes += 1;
            // The last write of a process that is gone may have been under way when we looked first.
            if changes > 1 {
                return Err(LeaseError::Held { holder, namespace: namespace.to_owned() });
            }
            current = later;
        }
        let transitions = current.spec.as_ref().and_then(|spec| spec.lease_transitions).unwrap_or(0);
        current.spec = Some(spec(identity, duration, lowest.max(transitions.saturating_add(1))));
        let held = api.replace(NAME, &PostParams::default(), &current).await.map_err(failed)?;
        Ok(Self { api, namespace: namespace.to_owned(), held, duration })
    }

    /// The epoch: never lower than that of any process before.
    #[must_use]
    pub fn epoch(&self) -> i64 {
        i64::from(self.held.spec.as_ref().and_then(|spec| spec.lease_transitions).unwrap_or(0))
    }

    /// Renews it until it is lost. The caller ends the process then.
    pub async fn keep(mut self) -> LeaseError {
        let mut renewed = Instant::now();
        let pause = self.duration / 5;
        loop {
            tokio::time::sleep(pause).await;
            let asked = Instant::now();
            match tokio::time::timeout(pause, self.renew()).await {
                Ok(Ok(true)) => renewed = asked,
                Ok(Ok(false)) => return LeaseError::Lost(self.namespace),
                Ok(Err(_)) | Err(_) => {}
            }
            if renewed.elapsed() > self.duration * 2 / 3 {
                return LeaseError::NotRenewed { namespace: self.namespace, seconds: renewed.elapsed().as_secs() };
            }
        }
    }

    /// Writes it once more; false if it is not ours any longer.
    async fn renew(&mut self) -> kube::Result<bool> {
        let mut next = self.held.clone();
        if let Some(spec) = &mut next.spec {
            spec.renew_time = Some(now());
        }
        match self.api.replace(NAME, &PostParams::default(), &next).await {
            Ok(held) => {
                self.held = held;
                Ok(true)
            }
            Err(kube::Error::Api(status)) if status.is_conflict() => {
                // An answer of ours that came too late moved it on as well: what counts is whose it is, and since when.
                let current = self.api.get(NAME).await?;
                let ours = |lease: &KubeLease| {
                    let spec = lease.spec.as_ref()?;
                    Some((spec.holder_identity.clone()?, spec.lease_transitions?))
                };
                let still_ours = ours(&current).is_some() && ours(&current) == ours(&self.held);
                if still_ours {
                    self.held = current;
                }
                Ok(still_ours)
            }
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Gives it back, so that the next process need not wait.
    pub async fn release(client: Client, namespace: &str, identity: &str) {
        let api: Api<KubeLease> = Api::namespaced(client, namespace);
        let Ok(mut lease) = api.get(NAME).await else { return };
        let Some(spec) = &mut lease.spec else { return };
        if spec.holder_identity.as_deref() == Some(identity) {
            spec.holder_identity = Some(String::new());
            if let Err(error) = api.replace(NAME, &PostParams::default(), &lease).await {
                tracing::warn!(namespace, error = error_chain(&error), "could not give the lease back");
            }
        }
    }
}

fn holder_of(lease: &KubeLease) -> Option<String> {
    lease.spec.as_ref()?.holder_identity.clone().filter(|holder| !holder.is_empty())
}

/// The Lease as it is after the time for which its holder has it, if it is not what it was.
async fn changed(api: &Api<KubeLease>, known: &KubeLease) -> kube::Result<Option<KubeLease>> {
    let held_for = known.spec.as_ref().and_then(|spec| spec.lease_duration_seconds).unwrap_or(0);
    tokio::time::sleep(Duration::from_secs(u64::try_from(held_for).unwrap_or(0)) + Duration::from_millis(500)).await;
    let later = api.get(NAME).await?;
    Ok((later.resource_version() != known.resource_version()).then_some(later))
}

fn spec(identity: &str, duration: Duration, transitions: i32) -> LeaseSpec {
    LeaseSpec {
        holder_identity: Some(identity.to_owned()),
        lease_duration_seconds: Some(i32::try_from(duration.as_secs()).unwrap_or(15)),
        lease_transitions: Some(transitions),
        acquire_time: Some(now()),
        renew_time: Some(now()),
        ..Default::default()
    }
}

fn now() -> MicroTime {
    MicroTime(jiff::Timestamp::now())
}
