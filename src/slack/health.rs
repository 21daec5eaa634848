//! Whether Slack can reach the bot and the bot Slack: what readiness says of it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::memory::Memory;
use crate::http::Readiness;

const PART: &str = "slack";

/// What was seen of the way in.
#[derive(Default)]
pub(super) struct Health {
    said_hello: AtomicBool,
    tokens_refused: AtomicBool,
    broken: AtomicBool,
}

impl Health {
    /// Slack opened a socket to us.
    pub(super) fn hello(&self) {
        self.said_hello.store(true, Ordering::Relaxed);
    }

    /// Whether Slack took both tokens when they were last checked.
    pub(super) fn tokens(&self, taken: bool) {
        self.tokens_refused.store(!taken, Ordering::Relaxed);
    }

    /// Something that should go on for ever has ended.
    pub(super) fn broken(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    /// Commands come in, who may give them is known, and answers go out.
    fn ready(&self, memory: &Memory) -> bool {
        let seen = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        seen(&self.said_hello) && !seen(&self.tokens_refused) && !seen(&self.broken) && memory.knows_groups()
    }
}

/// Keeps readiness up to date for ever.
pub(super) async fn keep(health: Arc<Health>, memory: Arc<Memory>, readiness: Readiness) -> anyhow::Result<()> {
    loop {
        readiness.set(PART, health.ready(&memory));
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_only_while_slack_reaches_us_and_we_reach_slack() {
        let (health, memory) = (Health::default(), Memory::default());
        assert!(!health.ready(&memory), "nothing was seen yet");
        health.hello();
        assert!(!health.ready(&memory), "nobody could be let through");
        memory.groups_were_read();
        assert!(health.ready(&memory));
        health.tokens(false);
        assert!(!health.ready(&memory), "the next socket would not open");
        health.tokens(true);
        memory.groups_grow_old();
        assert!(!health.ready(&memory), "Slack has been silent since");
        memory.groups_were_read();
        health.broken();
        assert!(!health.ready(&memory));
    }
}
