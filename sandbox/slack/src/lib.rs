//! A Slack simulator: one workspace over real HTTP and WebSocket, for a bot under test and for people in a browser.
//!
//! It serves the Web API under `/api`, Socket Mode under `/link`, `response_url`s, a page at `/`, and a control interface
//! under `/control`. It refuses what Slack refuses, with Slack's error codes: tokens, scopes, rate limits, block limits,
//! membership, late acknowledgements. The installed app is the one of the project's `slack-app.yaml`.
//!
//! Tests in Rust start a [`Simulator`] in their own process:
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use lockkeeper_slack_simulator::{Click, Config, Simulator};
//!
//! let slack = Simulator::start(Config::new()?).await?;
//! // … start a bot with slack.api_url(), slack.bot_token() and slack.app_token() …
//! let outcome = slack.command("alice", "deploys", "/flink deploy orders 1.1.0").await?;
//! println!("{}", outcome.text());
//! # Ok(())
//! # }
//! ```

mod blocks;
mod close_connection;
mod config;
mod control;
mod interaction;
mod page;
mod render;
mod server;
mod simulator;
mod socket_mode;
mod state;
mod view;
mod web_api;
mod world;

pub use config::{AppManifest, Config, SlashCommand};
pub use interaction::{Click, ClickOutcome, CommandOutcome, Delivered, Refusal};
pub use simulator::Simulator;
pub use state::{ApiCall, Failure, Outage};
pub use view::View;
pub use web_api::scopes_of;
pub use world::{Channel, Ephemeral, Message, Team, ThreadSummary, User, UserGroup, WorldDefinition};
