//! Tests against the real API server: conversations, and the rules, writes and lease below them.
//!
//! Only `bad_flink` and `drift` start pods of the sample application's image. All others run on any cluster.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

#[path = "../support/mod.rs"]
mod support;

mod conversations;
mod fixture;
mod lease;
mod orphans;
mod rules;
