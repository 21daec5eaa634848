//! A Lease allows only one process to act in a namespace. A process can lose it and win it again, with a higher epoch.
//!
//! A process measures with its own clock how long a foreign Lease has not changed. It never compares the clocks of two machines.
//! `leaseTransitions` only grows. It is the epoch in every status, so a process that lost the lease can no longer write.

use std::time::{Duration, Instant};

use k8s_openapi::{
    api::coordination::v1::{Lease as KubeLease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api, Client, ResourceExt,
    api::{ListParams, ObjectMeta, PostParams},
    core::{ApiResource, DynamicObject},
};
use thiserror::Error;

use crate::{api::FlinkRollout, text::error_chain};

const NAME: &str = "lockkeeper";

/// Why this process may not act in a namespace.
#[derive(Debug, Error)]
pub enum LeaseError {
    /// Another process renews the lease.
    #[error(
        "another Lockkeeper ({holder}) is at work in namespace {namespace}; stop it first, or wait until it is gone"
    )]
    Held { holder: String, namespace: String },
    /// Another process has taken the lease.
    #[error("the lease of namespace {0} was taken by another process")]
    Lost(String),
    /// Renewing failed for so long that another process may take the lease at any moment.
    #[error(
        "the lease of namespace {namespace} could not be renewed for {seconds} s: the API server or this machine is too slow; its rollouts wait until it is won again"
    )]
    NotRenewed { namespace: String, seconds: u64 },
    #[error("could not read or write the lease of namespace {namespace}")]
    Api { namespace: String, source: Box<kube::Error> },
}

/// Who asks for a lease, and what it knows.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Name of this process.
    pub identity: &'a str,
    /// Time after which the lease expires if it is not renewed.
    pub duration: Duration,
    /// The highest epoch in any record. A Lease that replaces a deleted one must not start below it.
    pub highest_epoch: i64,
    /// The epoch of the last lease that this process held itself.
    pub own_epoch: Option<i64>,
}

/// The highest epoch in the records of a namespace. It reads only this number, so it also works for records that this version cannot read.
pub async fn highest_epoch(client: &Client, namespace: &str) -> kube::Result<i64> {
    let resource = ApiResource::erase::<FlinkRollout>(&());
    let rollouts: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
    let rollouts = rollouts.list(&ListParams::default()).await?;
    let epochs = rollouts.items.iter().filter_map(|rollout| rollout.data.pointer("/status/epoch")?.as_i64());
    Ok(epochs.max().unwrap_or(0))
}

/// The right to act in one namespace.
pub struct Lease {
    api: Api<KubeLease>,
    namespace: String,
    held: KubeLease,
    duration: Duration,
}

impl Lease {
    /// Takes the lease. Fails if another process renews it within one `duration`.
    pub async fn acquire(client: Client, namespace: &str, candidate: Candidate<'_>) -> Result<Self, LeaseError> {
        let Candidate { identity, duration, highest_epoch, own_epoch } = candidate;
        let min_transitions = i32::try_from(highest_epoch).unwrap_or(i32::MAX).saturating_add(1);
        let api: Api<KubeLease> = Api::namespaced(client, namespace);
        let api_error = |source| LeaseError::Api { namespace: namespace.to_owned(), source: Box::new(source) };
        let Some(mut current) = api.get_opt(NAME).await.map_err(api_error)? else {
            let lease = KubeLease {
                metadata: ObjectMeta { name: Some(NAME.to_owned()), ..Default::default() },
                spec: Some(spec(identity, duration, min_transitions)),
            };
            let held = api.create(&PostParams::default(), &lease).await.map_err(api_error)?;
            return Ok(Self { api, namespace: namespace.to_owned(), held, duration });
        };
        let mut changes = 0;
        while let Some(holder) = holder_of(&current) {
            // Nobody has taken it since this process lost it, and its controllers have ended.
            if own_epoch.is_some() && holder == identity && own_epoch == epoch_of(&current) {
                break;
            }
            let Some(later) = read_if_changed(&api, &current).await.map_err(api_error)? else { break };
            changes += 1;
            // The first change may be the last write of a process that has ended since.
            if changes > 1 {
                return Err(LeaseError::Held { holder, namespace: namespace.to_owned() });
            }
            current = later;
        }
        let transitions = current.spec.as_ref().and_then(|spec| spec.lease_transitions).unwrap_or(0);
        current.spec = Some(spec(identity, duration, min_transitions.max(transitions.saturating_add(1))));
        let held = api.replace(NAME, &PostParams::default(), &current).await.map_err(api_error)?;
        Ok(Self { api, namespace: namespace.to_owned(), held, duration })
    }

    /// The epoch is higher than that of any earlier process.
    #[must_use]
    pub fn epoch(&self) -> i64 {
        epoch_of(&self.held).unwrap_or(0)
    }

    /// Renews the lease until it is lost. Then the caller must end everything that writes.
    pub async fn renew_until_lost(mut self) -> LeaseError {
        let mut renewed_at = Instant::now();
        let pause = self.duration / 5;
        loop {
            tokio::time::sleep(pause).await;
            let sent_at = Instant::now();
            match tokio::time::timeout(pause, self.renew()).await {
                Ok(Ok(true)) => renewed_at = sent_at,
                Ok(Ok(false)) => return LeaseError::Lost(self.namespace),
                Ok(Err(_)) | Err(_) => {}
            }
            if renewed_at.elapsed() > self.duration * 2 / 3 {
                return LeaseError::NotRenewed { namespace: self.namespace, seconds: renewed_at.elapsed().as_secs() };
            }
        }
    }

    /// Renews the lease once. Returns false if another process holds it now.
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
                // An earlier renewal of ours that timed out may still have changed the Lease. So compare the holder and the epoch.
                let current = self.api.get(NAME).await?;
                let holder_and_epoch = |lease: &KubeLease| {
                    let spec = lease.spec.as_ref()?;
                    Some((spec.holder_identity.clone()?, spec.lease_transitions?))
                };
                let still_ours =
                    holder_and_epoch(&current).is_some() && holder_and_epoch(&current) == holder_and_epoch(&self.held);
                if still_ours {
                    self.held = current;
                }
                Ok(still_ours)
            }
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Releases the lease, so that the next process does not have to wait.
    pub async fn release(client: Client, namespace: &str, identity: &str) {
        let api: Api<KubeLease> = Api::namespaced(client, namespace);
        let Ok(mut lease) = api.get(NAME).await else { return };
        let Some(spec) = &mut lease.spec else { return };
        if spec.holder_identity.as_deref() == Some(identity) {
            spec.holder_identity = Some(String::new());
            if let Err(error) = api.replace(NAME, &PostParams::default(), &lease).await {
                tracing::warn!(
                    namespace,
                    error = error_chain(&error),
                    "could not release the lease; the next process waits until it expires"
                );
            }
        }
    }
}

fn holder_of(lease: &KubeLease) -> Option<String> {
    lease.spec.as_ref()?.holder_identity.clone().filter(|holder| !holder.is_empty())
}

fn epoch_of(lease: &KubeLease) -> Option<i64> {
    lease.spec.as_ref()?.lease_transitions.map(i64::from)
}

/// Waits for the duration of the Lease and reads it again. None if it has not changed.
async fn read_if_changed(api: &Api<KubeLease>, known: &KubeLease) -> kube::Result<Option<KubeLease>> {
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
