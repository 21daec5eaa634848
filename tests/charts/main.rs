//! What a hostile chart can do, with a real helm. Each attack first succeeds with helm alone, and then fails as the bot runs helm.
//!
//! These tests need no cluster. `LOCKKEEPER_HELM` names the helm program.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says so by panicking

mod attacks;
mod chart;
mod renders;
