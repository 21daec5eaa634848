//! Why an effect could not be carried out: a refusal that stays, or an error that may pass.

use crate::{
    cluster::WriteError,
    record::RecordError,
    rollout::{EffectResult, Refusal},
    text::error_chain,
};

pub(super) enum EffectError {
    /// It stays impossible until somebody changes something.
    Refused(Refusal),
    /// It is tried again. The text is the reason.
    NotNow(String),
}

impl EffectError {
    /// A refusal that offers no choices.
    pub(super) fn refused(why: impl Into<String>) -> Self {
        Self::Refused(Refusal::new(why))
    }
}

impl From<EffectError> for EffectResult {
    fn from(error: EffectError) -> Self {
        match error {
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
