//! Why a question to Flink has no answer, and what counts as Flink's own answer.

use reqwest::StatusCode;
use serde_json::Value;
use thiserror::Error;

use crate::proxy::{Answer, ProxyError};

/// Why there is no answer to a question to Flink.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum FlinkError {
    /// Nothing is known: refused, timed out, 503, or something other than Flink answered.
    #[error("Flink did not answer: {0}")]
    Unknown(String),
    /// Flink itself said no, in its `errors` list.
    #[error("Flink answered {status}: {message}")]
    Refused {
        /// HTTP status code.
        status: u16,
        /// First line of its first error.
        message: String,
    },
}

impl From<ProxyError> for FlinkError {
    fn from(error: ProxyError) -> Self {
        Self::Unknown(error.to_string())
    }
}

/// What an answer means: Flink's own JSON, Flink's own refusal, or nothing known.
pub(super) fn interpret(answer: &Answer) -> Result<Value, FlinkError> {
    let Answer { status, bytes } = answer;
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|_| FlinkError::Unknown(format!("status {status} with a body that is not JSON")))?;
    if value.get("kind").and_then(Value::as_str) == Some("Status") {
        let message = value.get("message").and_then(Value::as_str).unwrap_or("no message");
        return Err(FlinkError::Unknown(format!("the API server said: {message}")));
    }
    if status.is_success() {
        return Ok(value);
    }
    let first = value.get("errors").and_then(|errors| errors.get(0)).and_then(Value::as_str);
    match first {
        Some(message) if *status != StatusCode::SERVICE_UNAVAILABLE => Err(FlinkError::Refused {
            status: status.as_u16(),
            message: message.lines().next().unwrap_or_default().to_owned(),
        }),
        _ => Err(FlinkError::Unknown(format!("status {status}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interpret(status: StatusCode, body: &[u8]) -> Result<Value, FlinkError> {
        super::interpret(&Answer { status, bytes: body.to_vec() })
    }

    #[test]
    fn only_flinks_own_errors_are_an_answer() {
        let refused = interpret(StatusCode::NOT_FOUND, br#"{"errors":["NotFound: no such job\n\tat X"]}"#);
        assert_eq!(refused, Err(FlinkError::Refused { status: 404, message: "NotFound: no such job".into() }));
        for (status, body) in [
            (StatusCode::SERVICE_UNAVAILABLE, r#"{"errors":["ongoing leader election"]}"#),
            (StatusCode::NOT_FOUND, r#"{"kind":"Status","message":"services \"x\" not found"}"#),
            (StatusCode::OK, r#"{"kind":"Status","message":"odd"}"#),
            (StatusCode::OK, "<html>"),
            (StatusCode::BAD_GATEWAY, "{}"),
        ] {
            assert!(matches!(interpret(status, body.as_bytes()), Err(FlinkError::Unknown(_))), "{body}");
        }
        assert_eq!(interpret(StatusCode::OK, br#"{"status":"RUNNING"}"#), Ok(serde_json::json!({"status": "RUNNING"})));
    }
}
