//! Tests against the real API server: conversations, and the rules, writes and lease below them.
//!
//! Only `bad_flink` and `drift` start pods of the sample application's image. All others run on any cluster.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

// The modules that this binary uses: a helper that nobody uses is a warning.
#[path = "../support"]
mod support {
    pub mod api_link;
    pub mod bot;
    pub mod bot_ends;
    pub mod bot_process;
    pub mod fixtures {
        pub mod chart;
        pub mod flink_application;
        pub mod flink_rollout;
        pub mod parked_orders;
    }
    pub mod refused_rollouts;
    pub mod sandbox;
    pub mod simulator;
    pub mod slack_user;
}

mod bot_client;
mod conversations;
mod lease;
mod metrics;
mod missing_rights;
mod orphans;
mod retention;
mod rules;
mod slack;
mod unreadable;
mod writes;
