//! Probes of the users' own: they hold, they fail, they stay silent.

use jiff::SignedDuration;
use serde_json::json;

use super::{end, from_json, later, monitor::watched, recorded, set, world};
use crate::{
    api::{Direction, ResultKind, Stage},
    rollout::{ProbeAnswer, World},
};

/// A watch at its end that is good in every other respect, with one probe that may fail once.
fn probed(answer: ProbeAnswer) -> World {
    let mut world = watched(world(Stage::Monitor), 1, 2);
    set(&mut world, |status| {
        let probe =
            json!({"name": "lag", "failuresAllowed": 1, "flinkMetric": {"name": "lag", "op": "<", "value": 10.0}});
        status.plan.as_mut().unwrap().settings.monitor.probes = vec![from_json(probe)];
    });
    world.probes.insert("lag".to_owned(), answer);
    world
}

#[test]
fn a_probe_that_holds_lets_it_succeed() {
    assert_eq!(end(&probed(ProbeAnswer::Passed)).0, ResultKind::Succeeded);
}

#[test]
fn failures_in_a_row_beyond_the_allowed_turn_it_back_with_what_was_seen() {
    let mut world = probed(ProbeAnswer::Failed("lag is 12".to_owned()));
    set(&mut world, |status| status.plan.as_mut().unwrap().settings.monitor.watch_seconds = 60);
    let status = recorded(&world);
    assert_eq!((status.direction, status.watch.as_ref().unwrap().probe_failures["lag"]), (Direction::Forward, 1));
    world.rollout.status = Some(status);
    later(&mut world, 4);
    let why = recorded(&world).failure.unwrap().message;
    assert_eq!(why, "the probe lag failed 2 times in a row, 1 allowed: lag is 12");
}

#[test]
fn what_flink_has_not_collected_yet_is_no_failure_but_no_success_either() {
    let silent = ProbeAnswer::Unanswered("Flink has no metric lag".to_owned());
    let mut world = probed(silent.clone());
    for _ in 0..3 {
        world.rollout.status = Some(recorded(&world));
        assert_eq!(world.status().direction, Direction::Forward);
        later(&mut world, 4);
    }
    let mut answered = world.clone();
    answered.probes.insert("lag".to_owned(), ProbeAnswer::Passed);
    assert_eq!(end(&answered).0, ResultKind::Succeeded);
    world.now = world.status().deadline.unwrap().0.checked_add(SignedDuration::from_secs(1)).unwrap();
    assert_eq!(recorded(&world).failure.unwrap().message, "the probe lag never answered: Flink has no metric lag");
}

#[test]
fn a_probe_that_falls_silent_after_it_answered_has_failed() {
    let mut world = probed(ProbeAnswer::Unanswered("no answer within 3 s".to_owned()));
    set(&mut world, |status| {
        status.watch.as_mut().unwrap().probe_failures.insert("lag".to_owned(), 1);
    });
    let why = recorded(&world).failure.unwrap().message;
    assert_eq!(why, "the probe lag failed 2 times in a row, 1 allowed: no answer within 3 s");
}
