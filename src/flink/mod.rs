//! Calls Flink's REST API through the API server's proxy, and interprets the answers.
//!
//! Comments describe Flink 2.2.1 unless they name another version. Fields differ between versions, so most of them are optional.

mod answers;
mod client;
mod error;
mod job_settings;
mod lasting_cause;
mod question;
mod stop_message;

pub(crate) use answers::*;
pub(crate) use client::{FlinkClient, StopRequest};
pub(crate) use error::FlinkError;
pub(crate) use job_settings::CheckpointConfiguration;
pub(crate) use lasting_cause::is_lasting_cause;
pub(crate) use stop_message::path_in_message;
