//! Whether another JobManager leads on the HA metadata that is about to be deleted.
//!
//! A leader renews its lock every few seconds. Two looks are compared, and never two clocks. A lock of a JobManager that is gone stays as
//! it is.

use std::net::IpAddr;

use jiff::SignedDuration;

use super::world::World;
use crate::{
    api::{FlinkRolloutStatus, LeaderWatch, Leadership},
    cluster::{Leader, pod_addresses},
};

/// How long a renewal may be late.
const RENEWAL_SLACK: SignedDuration = SignedDuration::from_secs(2);
/// A JobManager that restarts again and again has a new id each time. The newest ones count.
const MAX_KNOWN: usize = 16;

pub(super) enum LeaderVerdict {
    /// No lock of an unknown leader is renewed.
    NoneAlive,
    /// It is not known yet.
    Undecided,
    /// The watch begins or has ended: this status is to be recorded.
    Changed(Box<FlinkRolloutStatus>),
    /// A leader has renewed its lock.
    Alive {
        /// Who leads on what, as a part of a sentence.
        description: String,
        /// The status without the watch, so that the next try begins with a new one.
        status: Box<FlinkRolloutStatus>,
    },
}

/// The status with the leaders of this look, if a pod of our own JobManager runs and one of them is new.
pub(super) fn record_own_leaders(world: &World, status: &FlinkRolloutStatus) -> Option<FlinkRolloutStatus> {
    // While our pod terminates, another JobManager may take over the leadership.
    let ours = &world.workloads.job_manager;
    ours.staying_pods().next()?;
    let addresses: Vec<IpAddr> = ours.staying_pods().flat_map(pod_addresses).collect();
    // A leader that gives a name for itself is taken for ours.
    let may_be_ours = |leader: &Leader| {
        leader.addresses.is_empty() || addresses.iter().any(|address| leader.addresses.contains(address))
    };
    let unknown: Vec<Leader> = find_unknown(world, status).into_iter().filter(may_be_ours).collect();
    (!unknown.is_empty()).then(|| with_known(status, &unknown))
}

/// Judges the leaders while no pod of our own JobManager runs.
pub(super) fn judge_leaders(world: &World, status: &FlinkRolloutStatus) -> LeaderVerdict {
    let unknown = find_unknown(world, status);
    if unknown.is_empty() {
        return LeaderVerdict::NoneAlive;
    }
    let watch = status.leadership.as_ref().and_then(|leadership| leadership.watch.as_ref());
    let known_renewal = |leader: &Leader| watch.and_then(|watch| watch.renewals.get(&leader.map));
    if let Some(alive) = unknown.iter().find(|leader| known_renewal(leader).is_some_and(|seen| seen != &leader.renewal))
    {
        let description = format!(
            "another JobManager leads on the HA ConfigMap {} and renews its lock (holderIdentity {})",
            alive.map, alive.holder
        );
        return LeaderVerdict::Alive { description, status: Box::new(with_watch(status, None)) };
    }
    let Some(watch) = watch.filter(|_| unknown.iter().all(|leader| known_renewal(leader).is_some())) else {
        let renewals = unknown.iter().map(|leader| (leader.map.clone(), leader.renewal.clone())).collect();
        let watch = LeaderWatch { since: world.time(), renewals };
        return LeaderVerdict::Changed(Box::new(with_watch(status, Some(watch))));
    };
    let lease = unknown.iter().map(|leader| i64::from(leader.lease_seconds)).max().unwrap_or_default();
    if world.now.duration_since(watch.since.0) < SignedDuration::from_secs(lease) + RENEWAL_SLACK {
        return LeaderVerdict::Undecided;
    }
    LeaderVerdict::Changed(Box::new(with_known(&with_watch(status, None), &unknown)))
}

fn find_unknown(world: &World, status: &FlinkRolloutStatus) -> Vec<Leader> {
    let known = status.leadership.as_ref().map(|leadership| leadership.known.as_slice()).unwrap_or_default();
    world.ha.leaders().into_iter().filter(|leader| !known.contains(&leader.holder)).collect()
}

fn with_known(status: &FlinkRolloutStatus, leaders: &[Leader]) -> FlinkRolloutStatus {
    let mut leadership = status.leadership.clone().unwrap_or_default();
    for leader in leaders {
        if !leadership.known.contains(&leader.holder) {
            leadership.known.push(leader.holder.clone());
        }
    }
    let surplus = leadership.known.len().saturating_sub(MAX_KNOWN);
    leadership.known.drain(..surplus);
    FlinkRolloutStatus { leadership: Some(leadership), ..status.clone() }
}

fn with_watch(status: &FlinkRolloutStatus, watch: Option<LeaderWatch>) -> FlinkRolloutStatus {
    let known = status.leadership.clone().unwrap_or_default().known;
    FlinkRolloutStatus { leadership: Some(Leadership { known, watch }), ..status.clone() }
}
