//! Rollouts on the real cluster: real API server, real kubelet, real Flink, the bot with its own service account.
//!
//! Each test is a chain of steps on one application, because installing takes longer than a rollout.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

// The modules that this binary uses: a helper that nobody uses is a warning.
#[path = "../support"]
mod support {
    pub mod application;
    pub mod application_changes;
    pub mod bot;
    pub mod bot_ends;
    pub mod bot_process;
    pub mod cluster_state;
    pub mod fixtures {
        pub mod flink_application;
        pub mod flink_rollout;
    }
    pub mod kubernetes_users;
    pub mod page;
    pub mod record_ledger;
    pub mod records;
    pub mod refused_rollouts;
    pub mod sandbox;
    pub mod simulator;
    pub mod slack_buttons;
    pub mod slack_user;
    pub mod swapped_record;
}

// Tests start in the order of their names. Long chains come early: one that starts last delays the whole run.
mod crashes;
mod decisions;
mod health;
mod main_job;
mod no_high_availability;
mod rollbacks;
mod scene;
