//! Flink's REST API, reached through the API server's service proxy, and what its answers mean.
//!
//! Facts are from Flink 2.2.1 unless a field says otherwise. Fields come and go between versions, so every answer is read leniently.

mod answers;
mod client;
mod error;
mod uri;

pub(crate) use answers::*;
pub(crate) use client::{FlinkClient, StopRequest};
pub(crate) use error::FlinkError;
pub(crate) use uri::path_in_message;
pub use uri::same_path;
