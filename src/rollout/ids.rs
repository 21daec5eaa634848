//! Operation ids, job ids and the savepoint directory. They are derived, so that a repeat after a crash is the same operation.

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

/// Id of the job that an attempt in a direction starts. No id is used twice, because a second job with the same id collides with the
/// checkpoints of the first one (seen on Flink 2.2.1).
#[must_use]
pub fn job_id(rollout_uid: &str, direction: Direction, attempt: u32) -> JobId {
    JobId::from(digest_number(&(rollout_uid, direction, attempt, "job")))
}

/// The directory for the savepoint of a rollout. Nothing else is ever written there.
///
/// The name holds the rollout's uid: a rollout that is deleted and created again must not find the savepoint of its predecessor.
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
