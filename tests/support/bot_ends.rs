//! Ends of a bot other than a stop.

use crate::support::bot::Bot;

impl Bot {
    /// Kills it as `kill -9` does.
    pub async fn kill(self) {
        self.task.abort();
        drop(self.task.await);
    }
}
