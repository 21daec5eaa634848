//! Operation ids and job ids: derived, so that a repeat after a crash is the same operation.

use crate::{api::Direction, digest::short_digest_of};

/// Id of an operation: 32 hex digits.
#[must_use]
pub fn operation_id(rollout_uid: &str, direction: Direction, attempt: u32, name: &str) -> String {
    short_digest_of(&(rollout_uid, direction, attempt, name), 32)
}

/// Id of the job that a direction's attempt starts: 32 hex digits, never the same twice, since a used one collides with the
/// checkpoints of the job that had it (seen on Flink 2.2.1).
#[must_use]
pub fn job_id(rollout_uid: &str, direction: Direction, attempt: u32) -> String {
    operation_id(rollout_uid, direction, attempt, "job")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_repeat_only_for_the_same_operation() {
        let id = operation_id("u", Direction::Forward, 0, "stop");
        assert_eq!(id, operation_id("u", Direction::Forward, 0, "stop"));
        assert_eq!(id.len(), 32);
        assert_ne!(id, operation_id("u", Direction::Back, 0, "stop"));
        assert_ne!(id, operation_id("u", Direction::Forward, 1, "stop"));
        assert_ne!(id, job_id("u", Direction::Forward, 0));
    }
}
