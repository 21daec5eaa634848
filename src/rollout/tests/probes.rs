//! Tests of the users' own probes: they pass, they fail, or they do not answer.

use jiff::SignedDuration;
use serde_json::json;

use super::{advance_clock, change_status, from_json, monitor::with_watch, next_status, result_of, world};
use crate::{
    api::{Direction, ResultKind, Stage},
    rollout::{ProbeAnswer, World},
};

/// A watch at its end that succeeds except for one probe. The probe may fail once.
fn world_with_probe(answer: ProbeAnswer) -> World {
    let mut world = with_watch(world(Stage::Monitor), 1, 2);
    change_status(&mut world, |status| {
        let probe =
            json!({"name": "lag", "failuresAllowed": 1, "flinkMetric": {"name": "lag", "op": "<", "value": 10.0}});
        status.plan.as_mut().unwrap().settings.monitor.probes = vec![from_json(probe)];
    });
    world.probes.insert("lag".to_owned(), answer);
    world
}

#[test]
fn a_probe_that_passes_lets_the_rollout_succeed() {
    assert_eq!(result_of(&world_with_probe(ProbeAnswer::Passed)).0, ResultKind::Succeeded);
}

#[test]
fn too_many_probe_failures_in_a_row_turn_the_rollout_back() {
    let mut world = world_with_probe(ProbeAnswer::Failed("lag is 12".to_owned()));
    change_status(&mut world, |status| status.plan.as_mut().unwrap().settings.monitor.watch_seconds = 60);
    let status = next_status(&world);
    assert_eq!((status.direction, status.watch.as_ref().unwrap().probe_failures["lag"]), (Direction::Forward, 1));
    world.rollout.status = Some(status);
    advance_clock(&mut world, 4);
    let why = next_status(&world).failure.unwrap().message;
    assert_eq!(why, "the probe lag failed 2 times in a row, 1 allowed: lag is 12");
}

#[test]
fn a_metric_that_flink_has_not_collected_is_neither_failure_nor_success() {
    let silent = ProbeAnswer::Unanswered("Flink has no metric lag".to_owned());
    let mut world = world_with_probe(silent.clone());
    for _ in 0..3 {
        world.rollout.status = Some(next_status(&world));
        assert_eq!(world.status().direction, Direction::Forward);
        advance_clock(&mut world, 4);
    }
    let mut answered = world.clone();
    answered.probes.insert("lag".to_owned(), ProbeAnswer::Passed);
    assert_eq!(result_of(&answered).0, ResultKind::Succeeded);
    world.now = world.status().deadline.unwrap().0.checked_add(SignedDuration::from_secs(1)).unwrap();
    assert_eq!(next_status(&world).failure.unwrap().message, "the probe lag never answered: Flink has no metric lag");
}

#[test]
fn a_probe_that_stops_answering_has_failed() {
    let mut world = world_with_probe(ProbeAnswer::Unanswered("no answer within 3 s".to_owned()));
    change_status(&mut world, |status| {
        status.watch.as_mut().unwrap().probe_failures.insert("lag".to_owned(), 1);
    });
    let why = next_status(&world).failure.unwrap().message;
    assert_eq!(why, "the probe lag failed 2 times in a row, 1 allowed: no answer within 3 s");
}

#[test]
fn a_watch_does_not_succeed_while_a_probe_fails() {
    let mut world = world_with_probe(ProbeAnswer::Failed("lag is 12".to_owned()));
    world.rollout.status = Some(next_status(&world));
    assert_eq!(world.status().ending, None, "one failure is allowed, but it may be the first of many");
    world.probes.insert("lag".to_owned(), ProbeAnswer::Passed);
    advance_clock(&mut world, 4);
    assert_eq!(result_of(&world).0, ResultKind::Succeeded);
}
