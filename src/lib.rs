//! Lockkeeper takes stateful Apache Flink applications on Kubernetes safely from one version to the next.

pub mod api;
pub mod bake;
pub mod bot;
pub mod cluster;
pub mod controller;
pub mod digest;
pub mod flink;
pub mod http;
pub mod proxy;
pub mod record;
pub mod rollout;
pub mod slack;
pub mod text;
