//! Decides whether an answer is from Flink itself, and whether it is an error.

use reqwest::StatusCode;
use serde_json::Value;
use thiserror::Error;

use crate::proxy::{Answer, InvalidPath, ProxyError};

/// Why a request to Flink has no usable answer.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum FlinkError {
    /// Nothing is known about Flink: the connection failed, timed out, got a 503, or another server answered.
    #[error("Flink did not answer: {0}")]
    Unknown(String),
    /// Flink itself answered with a list of `errors`.
    #[error("Flink answered {status}: {message}")]
    Refused {
        status: u16,
        /// The first line of the first error.
        message: String,
    },
}

impl From<ProxyError> for FlinkError {
    fn from(error: ProxyError) -> Self {
        Self::Unknown(error.to_string())
    }
}

impl From<InvalidPath> for FlinkError {
    fn from(error: InvalidPath) -> Self {
        Self::Unknown(format!("the request was not sent: {error}"))
    }
}

/// Returns Flink's JSON, or the reason why the answer is not usable.
pub(super) fn interpret(answer: &Answer) -> Result<Value, FlinkError> {
    let Answer { status, bytes } = answer;
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|_| FlinkError::Unknown(format!("status {status} with a body that is not JSON")))?;
    if value.get("kind").and_then(Value::as_str) == Some("Status") {
        let message = value.get("message").and_then(Value::as_str).unwrap_or("no message");
        return Err(FlinkError::Unknown(format!("the API server answered: {message}")));
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
    fn only_a_list_of_errors_is_an_answer_of_flink() {
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
