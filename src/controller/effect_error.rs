//! What keeps an effect from being carried out: something that will not change by itself, or something that may pass.

use crate::{
    cluster::WriteError,
    record::RecordError,
    rollout::{EffectResult, Refusal},
    text::error_chain,
};

/// Why an effect was not carried out.
pub(super) enum EffectError {
    /// It will never be possible as it is.
    Refused(Refusal),
    /// Not now; the reason.
    NotNow(String),
}

impl EffectError {
    /// A refusal without other choices.
    pub(super) fn refused(why: impl Into<String>) -> Self {
        Self::Refused(Refusal::new(why))
    }
}

impl From<EffectError> for EffectResult {
    fn from(trouble: EffectError) -> Self {
        match trouble {
            EffectError::Refused(refusal) => Self::Refused(refusal),
            EffectError::NotNow(why) => Self::NotNow(why),
        }
    }
}

impl From<WriteError> for EffectError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Refused { .. } => Self::refused(error.to_string()),
            other => Self::NotNow(other.to_string()),
        }
    }
}

impl From<RecordError> for EffectError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Api { .. } => Self::NotNow(error_chain(&error)),
            other => Self::refused(other.to_string()),
        }
    }
}

impl From<kube::Error> for EffectError {
    fn from(error: kube::Error) -> Self {
        Self::NotNow(error_chain(&error))
    }
}
