//! Operation ids, job ids and the savepoint directory: derived, so that a repeat after a crash is the same operation.

use kube::ResourceExt as _;

use super::operation::Operation;
use crate::{
    api::{Direction, FlinkRollout, JobId},
    digest::{digest_number, short_digest_of},
};

/// Id of an operation: 32 hex digits.
#[must_use]
pub fn operation_id(rollout_uid: &str, direction: Direction, attempt: u32, operation: Operation) -> String {
    short_digest_of(&(rollout_uid, direction, attempt, operation.name()), 32)
}

/// Id of the job that a direction's attempt starts: 32 hex digits, never the same twice, since a used one collides with the
/// checkpoints of the job that had it (seen on Flink 2.2.1).
#[must_use]
pub fn job_id(rollout_uid: &str, direction: Direction, attempt: u32) -> JobId {
    JobId::from(digest_number(&(rollout_uid, direction, attempt, "job")))
}

/// The directory that a rollout's savepoint goes to; nothing else is ever written there. The uid keeps a rollout that was deleted and
/// made again under its name from finding its predecessor's savepoint.
#[must_use]
pub fn own_directory(base: &str, rollout: &FlinkRollout) -> String {
    let uid: String = rollout.uid().unwrap_or_default().chars().take(8).collect();
    format!("{}/{}-{uid}", base.trim_end_matches('/'), rollout.name_any())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_repeat_only_for_the_same_operation() {
        let id = operation_id("u", Direction::Forward, 0, Operation::StopWithSavepoint);
        assert_eq!(id, operation_id("u", Direction::Forward, 0, Operation::StopWithSavepoint));
        assert_eq!(id.len(), 32);
        assert_ne!(id, operation_id("u", Direction::Back, 0, Operation::StopWithSavepoint));
        assert_ne!(id, operation_id("u", Direction::Forward, 1, Operation::StopWithSavepoint));
        assert_ne!(id, job_id("u", Direction::Forward, 0).to_string());
    }
}
