//! The only code that writes our two kinds: create, claim, decide, status; and the revision records beside them.

mod application;
mod lease;
mod revision;
mod rollout;

pub use application::{ApplicationRecord, ClaimOutcome};
pub use lease::{Lease, LeaseError};
pub use revision::{RecordError, RevisionRecord, RevisionStore, record_name};
pub use rollout::{RolloutRecord, merge_patch};
