//! Judges how a start and a watch go: which signs there are, what each means, and how far a start has come.
//!
//! A sign is judged by [`meaning`] and [`end_of_wait`] only. docs/health.md shows the same tables.

mod advance;
mod document;
mod ends;
mod job_signs;
mod pod_signs;
mod reason;
mod sign;
mod verdict;

pub use document::health_as_markdown;

pub(super) use ends::record_end;
pub(super) use job_signs::{
    find_foreign_change, find_job_end, find_lower_parallelism, find_other_job, find_silence, find_unfinished_start,
    parallelism_before,
};
pub(super) use pod_signs::{find_job_manager_end, find_pod_signs};
pub(super) use reason::{failure_reason, newest_exception_time, waits_for_log};
pub(super) use sign::{Observed, Sign};
pub(super) use verdict::{conclude, find_deciding, find_failure, show_sign, silence_counts, waits_out};
