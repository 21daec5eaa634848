//! The log of Web API calls. Tests count calls and check their arguments.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The maximum number of calls in the log. Without it, a demo that runs for days would use more and more memory.
const MAX_CALLS: usize = 20_000;

/// One call of the Web API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiCall {
    /// The method, such as `chat.postMessage`.
    pub method: String,
    /// The arguments without the token.
    pub arguments: Value,
    /// `ok`, Slack's error code, or the injected failure, such as `closed_before_effect`.
    pub outcome: String,
}

#[derive(Debug, Default)]
pub(crate) struct CallLog {
    calls: std::collections::VecDeque<ApiCall>,
}

impl CallLog {
    pub(crate) fn add(&mut self, call: ApiCall) {
        if self.calls.len() == MAX_CALLS {
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
