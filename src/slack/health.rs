//! Whether people can reach the bot through Slack. The result is the readiness of the part `slack`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::groups::Groups;
use crate::http::Readiness;

const PART: &str = "slack";
const UPDATE_INTERVAL: Duration = Duration::from_secs(1);

/// What is known about the connection to Slack.
#[derive(Default)]
pub(super) struct Health {
    socket_opened: AtomicBool,
    tokens_refused: AtomicBool,
    task_ended: AtomicBool,
}

impl Health {
    /// Records that Slack opened a socket to the bot.
    pub(super) fn record_hello(&self) {
        self.socket_opened.store(true, Ordering::Relaxed);
    }

    /// Records whether Slack accepted both tokens at their last check.
    pub(super) fn record_tokens(&self, accepted: bool) {
        self.tokens_refused.store(!accepted, Ordering::Relaxed);
    }

    /// Records that a task has ended which should run as long as the bot.
    pub(super) fn record_ended_task(&self) {
        self.task_ended.store(true, Ordering::Relaxed);
    }

    /// Whether commands come in, the groups of whoever gives them are known, and answers go out.
    fn is_ready(&self, groups: &Groups) -> bool {
        let is_set = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        is_set(&self.socket_opened) && !is_set(&self.tokens_refused) && !is_set(&self.task_ended) && groups.are_known()
    }
}

/// Updates the readiness for as long as the bot runs.
pub(super) async fn keep_updated(health: Arc<Health>, groups: Arc<Groups>, readiness: Readiness) -> anyhow::Result<()> {
    loop {
        readiness.set(PART, health.is_ready(&groups));
        tokio::time::sleep(UPDATE_INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bot_is_ready_only_while_it_and_slack_reach_each_other() {
        let (health, groups) = (Health::default(), Groups::default());
        assert!(!health.is_ready(&groups), "no socket was opened yet");
        health.record_hello();
        assert!(!health.is_ready(&groups), "no group is known yet");
        groups.set_read();
        assert!(health.is_ready(&groups));
        health.record_tokens(false);
        assert!(!health.is_ready(&groups), "the next socket would not open");
        health.record_tokens(true);
        groups.set_old();
        assert!(!health.is_ready(&groups), "Slack has not answered since");
        groups.set_read();
        health.record_ended_task();
        assert!(!health.is_ready(&groups));
    }
}
