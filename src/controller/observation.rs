//! Since when this process observations at a rollout, and when Flink last answered: deadlines count only while somebody is there to see what
//! happens. Nothing of it is recorded; after a restart it begins anew.

use dashmap::DashMap;
use jiff::{SignedDuration, Timestamp};

/// A longer pause between two observations means that this process, or the API server, was away.
const MAX_GAP: SignedDuration = SignedDuration::from_secs(30);

#[derive(Clone, Copy)]
struct Observation {
    since: Timestamp,
    last: Timestamp,
    flink_answered_at: Option<Timestamp>,
}

/// What this process remembers of its observations, by the rollout's uid.
#[derive(Default)]
pub struct Observations {
    known: DashMap<String, Observation>,
}

impl Observations {
    /// Notes a look. Since when it has been looked at without a gap, and when Flink last answered.
    pub(super) fn note_look(&self, uid: &str, now: Timestamp, flink_answers: bool) -> (Timestamp, Option<Timestamp>) {
        let mut look =
            self.known.entry(uid.to_owned()).or_insert(Observation { since: now, last: now, flink_answered_at: None });
        if now.duration_since(look.last) > MAX_GAP {
            look.since = now;
        }
        look.last = now;
        if flink_answers {
            look.flink_answered_at = Some(now);
        }
        (look.since, look.flink_answered_at)
    }

    /// Notes the end of a step: what a step itself takes is no absence.
    pub(super) fn step_finished(&self, uid: &str, now: Timestamp) {
        if let Some(mut look) = self.known.get_mut(uid) {
            look.last = now;
        }
    }

    /// Forgets a rollout that ended.
    pub(super) fn forget(&self, uid: &str) {
        self.known.remove(uid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_begins_it_anew() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let observations = Observations::default();
        assert_eq!(observations.note_look("u", at(0), true), (at(0), Some(at(0))));
        assert_eq!(observations.note_look("u", at(20), false), (at(0), Some(at(0))));
        assert_eq!(observations.note_look("u", at(51), false), (at(51), Some(at(0))));
        observations.step_finished("u", at(290));
        assert_eq!(observations.note_look("u", at(292), false), (at(51), Some(at(0))), "a long step is no gap");
        observations.forget("u");
        observations.step_finished("u", at(293));
        assert_eq!(observations.note_look("u", at(294), false), (at(294), None));
    }
}
