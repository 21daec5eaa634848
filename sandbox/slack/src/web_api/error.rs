//! Errors of the Web API: HTTP 200 with `ok: false` and a code.

use serde_json::{Map, Value, json};

/// An error with Slack's code.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) code: String,
    /// The details, as in `response_metadata.messages`.
    pub(crate) messages: Vec<String>,
    /// Further fields of the answer, such as `needed` and `provided`.
    pub(crate) extra: Map<String, Value>,
}

impl ApiError {
    pub(crate) fn new(code: &str) -> Self {
        Self { code: code.to_owned(), messages: Vec::new(), extra: Map::new() }
    }

    pub(crate) fn with_messages(code: &str, messages: Vec<String>) -> Self {
        Self { messages, ..Self::new(code) }
    }

    /// The error for an argument that is missing or malformed.
    pub(crate) fn invalid_arguments(message: &str) -> Self {
        Self::with_messages("invalid_arguments", vec![format!("[ERROR] {message}")])
    }

    pub(crate) fn missing_scope(needed: &str, provided: &[String]) -> Self {
        let mut error = Self::new("missing_scope");
        error.extra.insert("needed".into(), json!(needed));
        error.extra.insert("provided".into(), json!(provided.join(",")));
        error
    }

    pub(crate) fn to_body(&self) -> Value {
        let mut body = self.extra.clone();
        body.insert("ok".into(), json!(false));
        body.insert("error".into(), json!(self.code));
        if !self.messages.is_empty() {
            let plain: Vec<&str> = self.messages.iter().map(|message| message.trim_start_matches("[ERROR] ")).collect();
            body.insert("errors".into(), json!(plain));
            body.insert("response_metadata".into(), json!({"messages": self.messages}));
        }
        Value::Object(body)
    }
}

pub(crate) type ApiResult = Result<Value, ApiError>;
