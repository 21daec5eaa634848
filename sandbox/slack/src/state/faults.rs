//! What can go wrong between a bot and Slack, on demand.

use std::collections::HashMap;
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// How Slack is away. Sockets are closed in every case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outage {
    /// Every request is answered with HTTP 503.
    Unavailable,
    /// Every connection is closed without an answer.
    ConnectionClosed,
    /// Requests are taken and not answered until Slack is back.
    BlackHole,
}

/// What happens to one call of a Web API method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Failure {
    /// Refused with this error code; nothing happens.
    Error {
        /// Such as `internal_error`.
        code: String,
    },
    /// HTTP 429, also to further calls of the method before the time has passed.
    RateLimited {
        /// The `Retry-After` header.
        seconds: u64,
    },
    /// This HTTP status, without JSON.
    Http {
        /// Such as 502.
        status: u16,
    },
    /// The connection is closed before anything happens.
    ClosedBefore,
    /// It happens, and then the connection is closed without an answer: the case that makes doubles.
    ClosedAfter,
    /// It happens, and the answer never comes.
    SilentAfter,
}

/// The failures that were asked for, by method, in the order in which they will happen.
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
