//! What keeps an effect from being carried out: something that will not change by itself, or something that may pass.

use crate::{
    cluster::WriteError,
    record::RecordError,
    rollout::{Outcome, Refusal},
};

/// Why an effect was not carried out.
pub(super) enum Trouble {
    /// It will never be possible as it is.
    Refused(Refusal),
    /// Not now; the reason.
    NotNow(String),
}

impl Trouble {
    /// A refusal without other choices.
    pub(super) fn refused(why: impl Into<String>) -> Self {
        Self::Refused(Refusal::new(why))
    }
}

impl From<Trouble> for Outcome {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Refused(refusal) => Self::Refused(refusal),
            Trouble::NotNow(why) => Self::NotNow(why),
        }
    }
}

impl From<WriteError> for Trouble {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Refused { .. } => Self::refused(error.to_string()),
            other => Self::NotNow(other.to_string()),
        }
    }
}

impl From<RecordError> for Trouble {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Api { .. } => Self::NotNow(error.to_string()),
            other => Self::refused(other.to_string()),
        }
    }
}

impl From<kube::Error> for Trouble {
    fn from(error: kube::Error) -> Self {
        Self::NotNow(error.to_string())
    }
}
