//! Tracks since when this process has observed each rollout without an absence, and when Flink last answered. Deadlines count only while
//! a process observes. Observations are kept in memory only, and begin anew with each term of the lease.
//!
//! A slow round is no absence: under load, every round may come late, and deadlines must still end. An absence is a time in which this
//! process did not run, or in which the cluster could not be read.

use std::sync::Mutex;

use dashmap::DashMap;
use jiff::{SignedDuration, Timestamp};

/// A longer time without a pulse, or without a round that could read the cluster, is an absence.
const MAX_GAP: SignedDuration = SignedDuration::from_secs(30);

#[derive(Clone, Copy)]
struct Observation {
    since: Timestamp,
    last: Timestamp,
    flink_answered_at: Option<Timestamp>,
    /// Whether a round after `last` could not read the cluster.
    failed: bool,
}

/// The pulse of this process. Its tasks get no time while the process or its machine is suspended.
#[derive(Clone, Copy)]
struct Pulse {
    last: Timestamp,
    /// When the process ran again after its last absence.
    back_at: Option<Timestamp>,
}

/// The observations of this process, by the rollout's uid.
#[derive(Default)]
pub struct Observations {
    by_uid: DashMap<String, Observation>,
    pulse: Mutex<Option<Pulse>>,
}

impl Observations {
    /// Records that this process runs. Must be called more often than every 30 s. Returns when its last absence ended.
    pub(super) fn record_pulse(&self, now: Timestamp) -> Option<Timestamp> {
        let mut pulse = self.pulse.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let previous = pulse.unwrap_or(Pulse { last: now, back_at: None });
        let was_absent = now.duration_since(previous.last) > MAX_GAP;
        let back_at = if was_absent { Some(now) } else { previous.back_at };
        *pulse = Some(Pulse { last: now.max(previous.last), back_at });
        back_at
    }

    /// Records an observation. Returns since when there was no absence, and when Flink last answered.
    pub(super) fn record_observation(
        &self,
        uid: &str,
        now: Timestamp,
        flink_answered: bool,
    ) -> (Timestamp, Option<Timestamp>) {
        let back_at = self.record_pulse(now);
        let first = Observation { since: now, last: now, flink_answered_at: None, failed: false };
        let mut observation = self.by_uid.entry(uid.to_owned()).or_insert(first);
        let unread = observation.failed && now.duration_since(observation.last) > MAX_GAP;
        let suspended = back_at.is_some_and(|back_at| back_at > observation.last);
        if unread || suspended {
            observation.since = now;
        }
        (observation.last, observation.failed) = (now, false);
        if flink_answered {
            observation.flink_answered_at = Some(now);
        }
        (observation.since, observation.flink_answered_at)
    }

    /// Records the end of a round. A round without an observation could not read the cluster.
    pub(super) fn round_finished(&self, uid: &str, began: Timestamp, now: Timestamp) {
        if let Some(mut observation) = self.by_uid.get_mut(uid) {
            if observation.last < began {
                observation.failed = true;
            } else {
                observation.last = now;
            }
        }
    }

    pub(super) fn forget(&self, uid: &str) {
        self.by_uid.remove(uid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// The pulse of a process that runs until `end`.
    fn run_until(observations: &Observations, begin: i64, end: i64) {
        (begin..=end).step_by(5).for_each(|second| _ = observations.record_pulse(at(second)));
    }

    #[test]
    fn slow_rounds_still_reach_a_deadline() {
        let observations = Observations::default();
        for round in 0..10 {
            run_until(&observations, round * 31, round * 31 + 30);
            assert_eq!(
                observations.record_observation("u", at(round * 31), false).0,
                at(0),
                "31 s apart is no absence"
            );
        }
    }

    #[test]
    fn a_suspended_process_gives_each_rollout_a_new_observation() {
        let observations = Observations::default();
        for uid in ["u", "v"] {
            assert_eq!(observations.record_observation(uid, at(0), true), (at(0), Some(at(0))));
        }
        assert_eq!(observations.record_observation("u", at(20), false), (at(0), Some(at(0))));
        assert_eq!(observations.record_observation("u", at(51), false), (at(51), Some(at(0))));
        run_until(&observations, 52, 92);
        assert_eq!(observations.record_observation("u", at(93), false).0, at(51), "the absence counts once");
        assert_eq!(observations.record_observation("v", at(94), false).0, at(94), "and once for each rollout");
    }

    #[test]
    fn a_time_in_which_the_cluster_cannot_be_read_is_an_absence() {
        let observations = Observations::default();
        observations.record_observation("u", at(0), true);
        observations.round_finished("u", at(0), at(1));
        run_until(&observations, 0, 60);
        observations.round_finished("u", at(10), at(60));
        assert_eq!(observations.record_observation("u", at(61), false).0, at(61));
        observations.round_finished("u", at(62), at(63));
        assert_eq!(observations.record_observation("u", at(65), false).0, at(61), "one failed read is short");
    }

    #[test]
    fn a_long_step_is_no_absence() {
        let observations = Observations::default();
        observations.record_observation("u", at(0), false);
        run_until(&observations, 0, 240);
        observations.round_finished("u", at(0), at(240));
        assert_eq!(observations.record_observation("u", at(242), false).0, at(0));
        observations.forget("u");
        observations.round_finished("u", at(243), at(244));
        assert_eq!(observations.record_observation("u", at(245), false), (at(245), None));
    }
}
