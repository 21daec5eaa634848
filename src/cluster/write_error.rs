//! Classifies the errors of writes to the API server.

use thiserror::Error;

use crate::text::{error_chain, truncate};

/// Why a write did not happen.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The object must be read again.
    #[error("somebody else changed {object} since it was read")]
    Conflict { object: String },
    /// A retry gets the same answer.
    #[error("Kubernetes refused {object}: {reason}")]
    Refused { object: String, reason: String },
    /// A retry may succeed.
    #[error("could not write {object}: {reason}")]
    TryAgain { object: String, reason: String },
}

/// Classifies an error of the API server. `object` is the kind and name for the message.
#[must_use]
pub fn classify(object: String, error: kube::Error) -> WriteError {
    match error {
        kube::Error::Api(status) if status.is_conflict() || status.is_already_exists() => {
            WriteError::Conflict { object }
        }
        kube::Error::Api(status) if matches!(status.code, 400 | 403 | 404 | 405 | 413 | 415 | 422) => {
            WriteError::Refused { object, reason: truncate(&status.message, 600) }
        }
        other => WriteError::TryAgain { object, reason: error_chain(&other) },
    }
}
