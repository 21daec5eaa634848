//! Ids of Flink jobs.

use std::{fmt, ops::Deref};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Id of a Flink job: 32 hex digits, such as `a3f1c2d4e5b60718293a4b5c6d7e8f90`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(String);

/// A text is no id of a Flink job.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{0}` is not the id of a Flink job: it has 32 hex digits")]
pub struct InvalidJobId(String);

impl JobId {
    /// The id as a text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for JobId {
    type Error = InvalidJobId;

    fn try_from(text: String) -> Result<Self, InvalidJobId> {
        let is_id = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_id { Ok(Self(text)) } else { Err(InvalidJobId(text)) }
    }
}

impl From<u128> for JobId {
    fn from(number: u128) -> Self {
        Self(format!("{number:032x}"))
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> Self {
        id.0
    }
}

impl Deref for JobId {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_32_hex_digits_are_an_id() {
        let id = "0123456789abcdef0123456789ABCDEF";
        assert_eq!(JobId::try_from(id.to_owned()).unwrap().to_string(), id);
        for other in ["", "0123", "0123456789abcdef0123456789abcdeg", "../0123456789abcdef0123456789abc"] {
            assert!(JobId::try_from(other.to_owned()).is_err(), "{other}");
        }
    }
}
