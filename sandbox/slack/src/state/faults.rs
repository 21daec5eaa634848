//! Failures and outages that tests inject.

use std::collections::HashMap;
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// How Slack is unreachable. All sockets are closed in every case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outage {
    /// Every request is answered with HTTP 503.
    Unavailable,
    /// Every connection is closed without an answer.
    ConnectionClosed,
    /// Requests get no answer until the outage ends. Then their connections are closed.
    BlackHole,
}

/// A failure of one call of a Web API method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Failure {
    /// The call is refused with this error code and has no effect.
    Error {
        /// The code, such as `internal_error`.
        code: String,
    },
    /// HTTP 429, also for further calls of the method until the time has passed.
    RateLimited {
        /// The value of the `Retry-After` header.
        seconds: u64,
    },
    /// An answer with this HTTP status and without JSON.
    Http {
        /// The status, such as 502.
        status: u16,
    },
    /// The connection is closed and the call has no effect.
    ClosedBefore,
    /// The call has its effect, then the connection is closed without an answer. A simple retry would post twice.
    ClosedAfter,
    /// The call has its effect, but the answer never comes.
    SilentAfter,
}

/// The requested failures of each method, in order.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    by_method: HashMap<String, VecDeque<Failure>>,
}

impl Faults {
    pub(crate) fn add(&mut self, method: &str, times: usize, failure: &Failure) {
        let queue = self.by_method.entry(method.to_owned()).or_default();
        queue.extend(std::iter::repeat_n(failure.clone(), times));
    }

    pub(crate) fn next(&mut self, method: &str) -> Option<Failure> {
        self.by_method.get_mut(method)?.pop_front()
    }

    pub(crate) fn pending(&self) -> usize {
        self.by_method.values().map(VecDeque::len).sum()
    }

    pub(crate) fn clear(&mut self) {
        self.by_method.clear();
    }
}
