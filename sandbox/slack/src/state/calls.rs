//! The log of Web API calls, for counting and for asserting what was sent.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Older calls are forgotten, so that a demo that stays up for days does not grow without end.
const KEPT: usize = 20_000;

/// One call of the Web API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiCall {
    /// Such as `chat.postMessage`.
    pub method: String,
    /// What was sent, without the token.
    pub arguments: Value,
    /// `ok`, Slack's error code, or `connection_closed` and the like where a fault or an outage struck.
    pub outcome: String,
}

#[derive(Debug, Default)]
pub(crate) struct CallLog {
    calls: std::collections::VecDeque<ApiCall>,
}

impl CallLog {
    pub(crate) fn add(&mut self, call: ApiCall) {
        if self.calls.len() == KEPT {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }

    pub(crate) fn all(&self) -> Vec<ApiCall> {
        self.calls.iter().cloned().collect()
    }

    pub(crate) fn count(&self, method: &str) -> usize {
        self.calls.iter().filter(|call| call.method == method).count()
    }

    pub(crate) fn clear(&mut self) {
        self.calls.clear();
    }
}
