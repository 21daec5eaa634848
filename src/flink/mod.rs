//! Flink's REST API, reached through the API server's service proxy, and what its answers mean.
//!
//! Facts are from Flink 2.2.1 unless a field says otherwise. Fields come and go between versions, so every answer is read leniently.

mod answers;
mod client;
mod error;
mod stop_message;

pub use answers::*;
pub use client::{FlinkClient, StopRequest};
pub use error::FlinkError;
pub use stop_message::path_in_message;
