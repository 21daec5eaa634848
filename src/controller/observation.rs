//! Tracks how long this process has observed each rollout without a gap, and when Flink last answered. Deadlines count only while a
//! process observes. Observations are kept in memory only.

use dashmap::DashMap;
use jiff::{SignedDuration, Timestamp};

/// A longer pause between two observations means that this process did not run, or that the API server did not answer.
const MAX_GAP: SignedDuration = SignedDuration::from_secs(30);

#[derive(Clone, Copy)]
struct Observation {
    since: Timestamp,
    last: Timestamp,
    flink_answered_at: Option<Timestamp>,
}

/// The observations of this process, by the rollout's uid.
#[derive(Default)]
pub struct Observations {
    by_uid: DashMap<String, Observation>,
}

impl Observations {
    /// Records an observation. Returns since when there was no gap, and when Flink last answered.
    pub(super) fn record_observation(
        &self,
        uid: &str,
        now: Timestamp,
        flink_answered: bool,
    ) -> (Timestamp, Option<Timestamp>) {
        let mut observation =
            self.by_uid.entry(uid.to_owned()).or_insert(Observation { since: now, last: now, flink_answered_at: None });
        if now.duration_since(observation.last) > MAX_GAP {
            observation.since = now;
        }
        observation.last = now;
        if flink_answered {
            observation.flink_answered_at = Some(now);
        }
        (observation.since, observation.flink_answered_at)
    }

    /// Records the end of a step, so that a long step does not count as a gap.
    pub(super) fn step_finished(&self, uid: &str, now: Timestamp) {
        if let Some(mut observation) = self.by_uid.get_mut(uid) {
            observation.last = now;
        }
    }

    pub(super) fn forget(&self, uid: &str) {
        self.by_uid.remove(uid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_restarts_the_observation() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let observations = Observations::default();
        assert_eq!(observations.record_observation("u", at(0), true), (at(0), Some(at(0))));
        assert_eq!(observations.record_observation("u", at(20), false), (at(0), Some(at(0))));
        assert_eq!(observations.record_observation("u", at(51), false), (at(51), Some(at(0))));
        observations.step_finished("u", at(290));
        assert_eq!(
            observations.record_observation("u", at(292), false),
            (at(51), Some(at(0))),
            "a long step is no gap"
        );
        observations.forget("u");
        observations.step_finished("u", at(293));
        assert_eq!(observations.record_observation("u", at(294), false), (at(294), None));
    }
}
