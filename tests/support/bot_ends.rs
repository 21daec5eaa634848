//! Ends of a bot other than a stop.

use crate::support::bot::{Bot, DEADLINE};

impl Bot {
    /// Waits until it ends by itself. Returns the reason.
    pub async fn wait_for_error(self) -> String {
        let ended = tokio::time::timeout(DEADLINE * 2, self.task).await.expect("the bot still runs").unwrap();
        ended.expect_err("the bot ended without a reason").to_string()
    }

    /// Kills it as `kill -9` does.
    pub async fn kill(self) {
        self.task.abort();
        drop(self.task.await);
    }
}
