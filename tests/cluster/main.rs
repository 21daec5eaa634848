//! Rollouts on the real cluster: real API server, real kubelet, real Flink, the bot with its own service account.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says so by panicking

#[path = "../support/mod.rs"]
mod support;

// Tests start in the order of their names: the longest chain first.
mod adoption;
mod bad_requests;
mod bad_versions;
mod crashes;
mod people;
mod probes;
