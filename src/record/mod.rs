//! The only code that writes our two kinds: create, claim, decide, status; and the revision records beside them.

mod application;
mod lease;
mod revision;
mod rollout;

pub(crate) use application::{ApplicationRecord, ClaimOutcome};
pub use lease::{Lease, LeaseError};
pub(crate) use revision::{RecordError, RevisionRecord, RevisionStore};
pub(crate) use rollout::RolloutRecord;
