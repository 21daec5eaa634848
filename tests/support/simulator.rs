//! The Slack simulator of a test.

use lockkeeper_slack_simulator::{Config, Simulator};

/// Starts a simulator whose rate limits do not slow the test down.
pub async fn start_simulator() -> Simulator {
    let mut config = Config::new().unwrap();
    config.rate_limit_speedup = 20.0;
    Simulator::start(config).await.unwrap()
}
