//! One line of a rollout's thread.

use serde_json::Value;

use super::blocks::section;

/// A message of the thread, with a key that never changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub key: String,
    /// The text of the notification.
    pub text: String,
    pub blocks: Vec<Value>,
    /// Whether it also shows in the channel and notifies people.
    pub broadcast: bool,
    /// Whether it is updated when its content changes. An approval request loses its buttons.
    pub changes: bool,
}

/// A line that is posted once.
pub(super) fn line(key: String, text: &str) -> Line {
    Line { key, text: text.to_owned(), blocks: vec![section(text)], broadcast: false, changes: false }
}

/// A line that the channel shows too.
pub(super) fn notifying_line(key: String, text: &str) -> Line {
    Line { broadcast: true, ..line(key, text) }
}
