//! Lockkeeper takes stateful Apache Flink applications on Kubernetes safely from one version to the next.

pub mod api;
pub mod bake;
pub mod cluster;
pub mod controller;
pub mod flink;
pub mod record;
pub mod rollout;
