//! The only code that writes our two kinds: create, claim, decide, status; and the revision records beside them.

mod application;
mod lease;
mod revision;
mod rollout;

pub use application::{ApplicationRecord, ClaimOutcome};
pub use lease::{Lease, LeaseError};
pub use revision::{RecordError, RevisionRecord, RevisionStore, record_name};
pub use rollout::{RolloutRecord, merge_patch};

use crate::cluster::WriteError;

/// What an error of the API server means for one of our own objects.
fn classified(object: String, error: kube::Error) -> WriteError {
    crate::cluster::classified(object, error)
}
