//! Lockkeeper takes stateful Apache Flink applications on Kubernetes safely from one version to the next.
//!
//! Public is what src/main.rs, tests/ and examples/ need.

pub mod api;
pub mod bake;
pub mod bot;
pub mod cluster;
mod controller;
mod digest;
pub mod flink;
mod http;
mod proxy;
pub mod record;
pub mod retention;
mod rollout;
mod secrets;
pub mod slack;
mod text;

pub use rollout::health_as_markdown;
