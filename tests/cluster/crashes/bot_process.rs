//! Ends of the bot's process, and a second one beside it.

use std::{process::Stdio, time::Duration};

use crate::support::bot_process::BotProcess;

/// A lease of 3 s is not lost this often in a row.
const MAX_ATTEMPTS: usize = 3;

impl BotProcess {
    /// Kills the running process as `kill -9` does.
    pub(super) fn kill(&mut self) {
        self.restart_after_lost_lease();
        let mut child = self.running.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Starts a second process, which must refuse to run beside the first.
    pub(super) async fn assert_second_is_refused(&mut self) {
        for _ in 0..MAX_ATTEMPTS {
            let mut second = tokio::process::Command::from(self.command("second"));
            second.stdin(Stdio::null()).kill_on_drop(true);
            let refused = format!("another Lockkeeper ({})", self.identity());
            if let Ok(output) = tokio::time::timeout(Duration::from_secs(60), second.output()).await {
                let output = output.unwrap();
                assert!(!output.status.success(), "a second process ended with success");
                let why = String::from_utf8_lossy(&output.stderr);
                if why.contains(&refused) {
                    return;
                }
                println!("     second: {why}");
            }
            // On a busy machine the first may have lost its lease. Then the second may take over.
            self.wait_until_started().await;
        }
        panic!("a second process does not refuse to run beside {}", self.identity());
    }
}
