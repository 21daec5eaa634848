//! Why a write to the API server did not happen.

use thiserror::Error;

use crate::text::{error_chain, truncate};

/// Why a write did not happen.
#[derive(Debug, Error)]
pub enum WriteError {
    /// Somebody else wrote in between: look again.
    #[error("{object} was changed by somebody else in between")]
    Conflict {
        /// Kind and name.
        object: String,
    },
    /// The API server will not take it, however often it is tried.
    #[error("Kubernetes refused {object}: {reason}")]
    Refused {
        /// Kind and name.
        object: String,
        /// Its own words.
        reason: String,
    },
    /// Not possible now.
    #[error("could not write {object}: {reason}")]
    TryAgain {
        /// Kind and name.
        object: String,
        /// Why.
        reason: String,
    },
}

/// What an error of the API server means for whoever wanted to write.
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
