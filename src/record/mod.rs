//! Writes `FlinkApplications`, `FlinkRollouts`, revision records and leases. No other code writes our two kinds.

mod application;
mod lease;
mod revision;
mod rollout;
mod size_limit;

pub(crate) use application::{ApplicationRecord, ClaimOutcome};
pub(crate) use lease::highest_epoch;
pub use lease::{Candidate, Lease, LeaseError};
pub(crate) use revision::{RecordError, RevisionRecord, RevisionStore, record_name};
pub(crate) use rollout::RolloutRecord;
