//! What people say is applied once, and answered where it is not.

use super::*;
use crate::api::{DecisionKind, DecisionResult};

pub(super) fn say(world: &mut World, kind: DecisionKind, by: &str, digest: Option<&str>) {
    let number = world.rollout.spec.decisions.len();
    world.rollout.spec.decisions.push(from_json(json!({
        "id": format!("d{number}"), "kind": kind, "by": by, "at": "2026-01-01T12:00:00Z", "planDigest": digest})));
}

fn waiting_for(approvals: u32) -> World {
    let mut world = world(Stage::Approve);
    set(&mut world, |status| status.plan.as_mut().unwrap().approvals_needed = approvals);
    world
}

/// What became of the last decision, and the world after it.
pub(super) fn answered(world: &mut World) -> (DecisionResult, String) {
    let status = recorded(world);
    let last = status.decisions.last().cloned().unwrap();
    world.rollout.status = Some(status);
    (last.result, last.message)
}

#[test]
fn as_many_different_people_as_asked_and_not_the_requester() {
    let mut world = waiting_for(2);
    say(&mut world, DecisionKind::Approve, "slack:T/U1", Some("d1"));
    assert_eq!(answered(&mut world), (DecisionResult::Refused, "who asks for a rollout cannot approve it".to_owned()));
    say(&mut world, DecisionKind::Approve, "slack:T/U2", Some("d0"));
    assert_eq!(answered(&mut world).0, DecisionResult::Refused, "another plan");
    say(&mut world, DecisionKind::Approve, "kubernetes:eve", Some("d1"));
    assert_eq!(answered(&mut world).0, DecisionResult::Refused, "not among the approvers");
    for _ in 0..2 {
        say(&mut world, DecisionKind::Approve, "slack:T/U2", Some("d1"));
        assert_eq!(answered(&mut world).0, DecisionResult::Applied);
    }
    assert_eq!(recorded(&world).message, "waits for 1 of 2 approvals");
    say(&mut world, DecisionKind::Approve, "slack:T/U3", Some("d1"));
    answered(&mut world);
    assert_eq!(recorded(&world).stage, Stage::Savepoint);
}

#[test]
fn nobody_approves_in_time() {
    let mut world = waiting_for(1);
    later(&mut world, 1801);
    assert!(end(&world).1.starts_with("expired"));
}

#[test]
fn rejected_and_aborted_before_the_stop_is_untouched() {
    for kind in [DecisionKind::Reject, DecisionKind::Abort] {
        let mut world = waiting_for(1);
        say(&mut world, kind, "slack:T/U2", None);
        assert_eq!(end(&world).0, ResultKind::Untouched);
    }
}

#[test]
fn an_abort_during_the_stop_waits_for_its_outcome() {
    let mut world = world(Stage::Savepoint);
    complete(&mut world, Operation::CreateVersionedObjects);
    complete(&mut world, Operation::StopWithSavepoint);
    say(&mut world, DecisionKind::Abort, "slack:T/U2", None);
    assert_eq!(answered(&mut world).0, DecisionResult::Applied);
    assert_eq!(world.status().stage, Stage::Savepoint);
    set(&mut world, |status| status.restore_point = Some(from_json(point())));
    let status = recorded(&world);
    assert_eq!((status.direction, status.stage), (Direction::Back, Stage::Stop));
}

#[test]
fn after_the_stop_an_abort_is_a_way_back_once() {
    let mut world = world(Stage::Deploy);
    say(&mut world, DecisionKind::Abort, "slack:T/U2", None);
    assert_eq!(answered(&mut world).0, DecisionResult::Applied);
    assert_eq!((world.status().direction, world.status().attempt), (Direction::Back, 1));
    say(&mut world, DecisionKind::RollBack, "slack:T/U2", None);
    assert_eq!(answered(&mut world), (DecisionResult::Refused, "it is rolling back already".to_owned()));
    assert_eq!(world.status().attempt, 1);
}

#[test]
fn a_halted_rollout_is_resumed_or_given_up() {
    let mut world = world_going_back(Stage::Verify);
    let halted = crate::rollout::halt(&world, world.status(), "no image", true, Vec::new());
    world.rollout.status = Some(halted);
    let mut resumed = world.clone();
    say(&mut resumed, DecisionKind::Resume, "slack:T/U2", None);
    answered(&mut resumed);
    let status = resumed.status();
    assert_eq!((status.stage, status.halt), (Stage::Stop, None));
    assert!(status.attempt > world.status().attempt, "a fresh job id");

    say(&mut world, DecisionKind::GiveUp, "slack:T/U2", None);
    assert!(matches!(acted(&world).1, Effect::Stop(_)), "it is brought to rest first");
    (world.workloads.job_manager, world.workloads.task_manager) = (workload("jm", 0), workload("tm", 0));
    assert_eq!(end(&world).0, ResultKind::Abandoned);
}

/// Parked and at rest; then a person ran the printed commands.
fn started_by_hand() -> World {
    let mut world = world_going_back(Stage::Verify);
    world.rollout.status = Some(crate::rollout::halt(&world, world.status(), "no image", true, Vec::new()));
    (world.workloads.job_manager, world.workloads.task_manager) = (workload("jm", 0), workload("tm", 0));
    assert_eq!(acted(&world).0, Operation::ParkTemplate);
    complete(&mut world, Operation::ParkTemplate);
    world.rollout.status = Some(recorded(&world));
    assert!(world.status().halt.unwrap().at_rest.is_some());
    (world.workloads.job_manager, world.workloads.task_manager) = (workload("jm", 1), workload("tm", 2));
    world
}

#[test]
fn what_a_person_started_by_hand_is_left_alone_and_can_be_given_up() {
    let mut world = started_by_hand();
    assert!(matches!(next_step(&world), Step::Wait(_)), "it is not scaled down again");
    say(&mut world, DecisionKind::GiveUp, "slack:T/U2", None);
    world.rollout.status = Some(recorded(&world));
    let Effect::WriteHistory { status } = acted(&world).1 else { panic!("no history") };
    assert!(status.parked_at.is_none(), "it runs");
    assert_eq!(end(&world).0, ResultKind::Abandoned);
}

#[test]
fn deleting_what_was_started_by_hand_ends_it() {
    let mut world = started_by_hand();
    world.rollout.metadata.deletion_timestamp = Some(world.time());
    assert_eq!(end(&world).0, ResultKind::Abandoned);
}

#[test]
fn a_watch_that_is_resumed_begins_anew() {
    let mut world = world_going_back(Stage::Monitor);
    let halted = crate::rollout::halt(&world, world.status(), "kafka is down", false, Vec::new());
    world.rollout.status = Some(halted);
    world.flink.checkpoints = Some(checkpoints(4, POINT, 9));
    say(&mut world, DecisionKind::Resume, "slack:T/U2", None);
    answered(&mut world);
    let status = world.status();
    assert_eq!((status.stage, status.halt, status.watch.unwrap().restored), (Stage::Monitor, None, 4));
}

#[test]
fn what_comes_too_late_is_told() {
    for kind in [DecisionKind::Reject, DecisionKind::Approve, DecisionKind::Resume, DecisionKind::GiveUp] {
        let mut world = world(Stage::Monitor);
        say(&mut world, kind, "slack:T/U2", Some("d1"));
        assert_eq!(answered(&mut world).0, DecisionResult::Refused, "{kind:?}");
    }
}

#[test]
fn deleting_it_is_an_abort_before_the_stop_and_a_way_back_after_it() {
    let deleted = |stage| {
        let mut world = world(stage);
        world.rollout.metadata.deletion_timestamp = Some(world.time());
        world
    };
    assert_eq!(end(&deleted(Stage::Approve)).0, ResultKind::Untouched);
    let status = recorded(&deleted(Stage::Monitor));
    assert_eq!((status.direction, status.stage), (Direction::Back, Stage::Stop));
}

#[test]
fn deleting_what_halted_on_the_way_forward_is_a_way_back() {
    let mut world = world(Stage::Monitor);
    let halted = crate::rollout::halt(&world, world.status(), "restarts", false, Vec::new());
    world.rollout.status = Some(halted);
    world.rollout.metadata.deletion_timestamp = Some(world.time());
    let status = recorded(&world);
    assert_eq!((status.direction, status.stage, status.halt), (Direction::Back, Stage::Stop, None));
}

#[test]
fn a_rollout_is_not_resumed_until_its_record_is_full() {
    let mut world = world_going_back(Stage::Monitor);
    let base = world.clone();
    set(&mut world, |status| (0..50).for_each(|_| status.enter(&base, Stage::Monitor)));
    let halted = crate::rollout::halt(&world, world.status(), "kafka is down", false, Vec::new());
    world.rollout.status = Some(halted);
    say(&mut world, DecisionKind::Resume, "slack:T/U2", None);
    let (outcome, message) = answered(&mut world);
    assert_eq!(outcome, DecisionResult::Refused);
    assert!(message.contains("too often"), "{message}");
}
