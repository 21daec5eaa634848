//! Conversations and rules against the real API server: a command in, what people read out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says so by panicking

#[path = "../support/mod.rs"]
mod support;

mod again;
mod answers;
mod applications;
mod bad_charts;
mod bad_flink;
mod bad_requests;
mod decisions;
mod lease;
mod left_behind;
mod restarts;
mod rules;
mod setting;
mod shown;
mod slack_says_no;
mod takeover;
mod what_runs;
