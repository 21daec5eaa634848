//! Tests that each decision is applied once or refused with an answer.

use super::*;
use crate::api::{DecisionKind, DecisionResult};

pub(super) fn add_decision(world: &mut World, kind: DecisionKind, by: &str, digest: Option<&str>) {
    let number = world.rollout.spec.decisions.len();
    world.rollout.spec.decisions.push(from_json(json!({
        "id": format!("d{number}"), "kind": kind, "by": by, "at": "2026-01-01T12:00:00Z", "planDigest": digest})));
}

fn world_that_waits_for(approvals: u32) -> World {
    let mut world = world(Stage::Approve);
    change_status(&mut world, |status| status.plan.as_mut().unwrap().approvals_needed = approvals);
    world
}

/// Records the next status and returns the result of the last decision.
pub(super) fn apply_decision(world: &mut World) -> (DecisionResult, String) {
    let status = next_status(world);
    let last = status.decisions.last().cloned().unwrap();
    world.rollout.status = Some(status);
    (last.result, last.message)
}

#[test]
fn enough_different_people_other_than_the_requester_must_approve() {
    let mut world = world_that_waits_for(2);
    add_decision(&mut world, DecisionKind::Approve, "slack:T/U1", Some("d1"));
    assert_eq!(
        apply_decision(&mut world),
        (DecisionResult::Refused, "who asks for a rollout cannot approve it".to_owned())
    );
    add_decision(&mut world, DecisionKind::Approve, "slack:T/U2", Some("d0"));
    assert_eq!(apply_decision(&mut world).0, DecisionResult::Refused, "another plan");
    add_decision(&mut world, DecisionKind::Approve, "kubernetes:eve", Some("d1"));
    assert_eq!(apply_decision(&mut world).0, DecisionResult::Refused, "not among the approvers");
    for _ in 0..2 {
        add_decision(&mut world, DecisionKind::Approve, "slack:T/U2", Some("d1"));
        assert_eq!(apply_decision(&mut world).0, DecisionResult::Applied);
    }
    assert_eq!(next_status(&world).message, "waits for 1 of 2 approvals");
    add_decision(&mut world, DecisionKind::Approve, "slack:T/U3", Some("d1"));
    apply_decision(&mut world);
    assert_eq!(next_status(&world).stage, Stage::Savepoint);
}

#[test]
fn a_plan_that_nobody_approves_in_time_expires() {
    let mut world = world_that_waits_for(1);
    advance_clock(&mut world, 1801);
    assert!(result_of(&world).1.starts_with("expired"));
}

#[test]
fn a_rollout_rejected_or_aborted_before_the_stop_ends_untouched() {
    for kind in [DecisionKind::Reject, DecisionKind::Abort] {
        let mut world = world_that_waits_for(1);
        add_decision(&mut world, kind, "slack:T/U2", None);
        assert_eq!(result_of(&world).0, ResultKind::Untouched);
    }
}

#[test]
fn an_abort_during_the_stop_waits_for_the_restore_point() {
    let mut world = world(Stage::Savepoint);
    complete_operation(&mut world, Operation::CreateVersionedObjects);
    complete_operation(&mut world, Operation::StopWithSavepoint);
    add_decision(&mut world, DecisionKind::Abort, "slack:T/U2", None);
    assert_eq!(apply_decision(&mut world).0, DecisionResult::Applied);
    assert_eq!(world.status().stage, Stage::Savepoint);
    change_status(&mut world, |status| status.restore_point = Some(from_json(restore_point())));
    let status = next_status(&world);
    assert_eq!((status.direction, status.stage), (Direction::Back, Stage::Stop));
}

#[test]
fn an_abort_after_the_stop_turns_the_rollout_back_once() {
    let mut world = world(Stage::Deploy);
    add_decision(&mut world, DecisionKind::Abort, "slack:T/U2", None);
    assert_eq!(apply_decision(&mut world).0, DecisionResult::Applied);
    assert_eq!((world.status().direction, world.status().attempt), (Direction::Back, 1));
    add_decision(&mut world, DecisionKind::RollBack, "slack:T/U2", None);
    assert_eq!(apply_decision(&mut world), (DecisionResult::Refused, "it is rolling back already".to_owned()));
    assert_eq!(world.status().attempt, 1);
}

#[test]
fn a_halted_rollout_is_resumed_or_given_up() {
    let mut world = world_going_back(Stage::Verify);
    let halted = parked(&world, "no image");
    world.rollout.status = Some(halted);
    let mut resumed = world.clone();
    add_decision(&mut resumed, DecisionKind::Resume, "slack:T/U2", None);
    apply_decision(&mut resumed);
    let status = resumed.status();
    assert_eq!((status.stage, status.halt), (Stage::Stop, None));
    assert!(status.attempt > world.status().attempt, "a fresh job id");

    add_decision(&mut world, DecisionKind::GiveUp, "slack:T/U2", None);
    assert!(matches!(next_effect(&world).1, Effect::Stop(_)), "it is scaled to 0 first");
    (world.workloads.job_manager, world.workloads.task_manager) = (workload("jm", 0), workload("tm", 0));
    assert_eq!(result_of(&world).0, ResultKind::Abandoned);
}

/// The rollout was parked and at rest. Then a person ran the printed commands.
fn started_by_hand() -> World {
    let mut world = world_going_back(Stage::Verify);
    world.rollout.status = Some(parked(&world, "no image"));
    (world.workloads.job_manager, world.workloads.task_manager) = (workload("jm", 0), workload("tm", 0));
    assert_eq!(next_effect(&world).0, Operation::ParkTemplate);
    complete_operation(&mut world, Operation::ParkTemplate);
    world.rollout.status = Some(next_status(&world));
    assert!(world.status().halt.unwrap().at_rest.is_some());
    (world.workloads.job_manager, world.workloads.task_manager) = (workload("jm", 1), workload("tm", 2));
    world
}

#[test]
fn an_application_started_by_hand_is_not_scaled_down_and_can_be_given_up() {
    let mut world = started_by_hand();
    assert!(matches!(next_step(&world), Step::Wait(_)), "it is not scaled down again");
    add_decision(&mut world, DecisionKind::GiveUp, "slack:T/U2", None);
    world.rollout.status = Some(next_status(&world));
    let Effect::WriteHistory { status } = next_effect(&world).1 else { panic!("no history") };
    assert!(status.parked_at.is_none(), "the application runs");
    assert_eq!(result_of(&world).0, ResultKind::Abandoned);
}

#[test]
fn deleting_a_rollout_whose_application_was_started_by_hand_ends_it() {
    let mut world = started_by_hand();
    world.rollout.metadata.deletion_timestamp = Some(world.time());
    assert_eq!(result_of(&world).0, ResultKind::Abandoned);
}

#[test]
fn a_resumed_watch_starts_again() {
    let mut world = world_going_back(Stage::Monitor);
    let halted = halted(&world, "kafka is down");
    world.rollout.status = Some(halted);
    world.flink.checkpoints = Some(checkpoint_counts(4, POINT, 9));
    add_decision(&mut world, DecisionKind::Resume, "slack:T/U2", None);
    apply_decision(&mut world);
    let status = world.status();
    assert_eq!((status.stage, status.halt, status.watch.unwrap().restored), (Stage::Monitor, None, 4));
}

#[test]
fn a_decision_that_comes_too_late_is_refused() {
    for kind in [DecisionKind::Reject, DecisionKind::Approve, DecisionKind::Resume, DecisionKind::GiveUp] {
        let mut world = world(Stage::Monitor);
        add_decision(&mut world, kind, "slack:T/U2", Some("d1"));
        assert_eq!(apply_decision(&mut world).0, DecisionResult::Refused, "{kind:?}");
    }
}

#[test]
fn deleting_a_rollout_aborts_it_before_the_stop_and_turns_it_back_after_it() {
    let deleted = |stage| {
        let mut world = world(stage);
        world.rollout.metadata.deletion_timestamp = Some(world.time());
        world
    };
    assert_eq!(result_of(&deleted(Stage::Approve)).0, ResultKind::Untouched);
    let status = next_status(&deleted(Stage::Monitor));
    assert_eq!((status.direction, status.stage), (Direction::Back, Stage::Stop));
}

#[test]
fn deleting_a_rollout_that_halted_on_the_way_forward_turns_it_back() {
    let mut world = world(Stage::Monitor);
    let halted = halted(&world, "restarts");
    world.rollout.status = Some(halted);
    world.rollout.metadata.deletion_timestamp = Some(world.time());
    let status = next_status(&world);
    assert_eq!((status.direction, status.stage, status.halt), (Direction::Back, Stage::Stop, None));
}

#[test]
fn a_rollout_that_was_resumed_too_often_is_not_resumed_again() {
    let mut world = world_going_back(Stage::Monitor);
    let base = world.clone();
    change_status(&mut world, |status| (0..50).for_each(|_| status.enter(&base, Stage::Monitor)));
    let halted = halted(&world, "kafka is down");
    world.rollout.status = Some(halted);
    add_decision(&mut world, DecisionKind::Resume, "slack:T/U2", None);
    let (outcome, message) = apply_decision(&mut world);
    assert_eq!(outcome, DecisionResult::Refused);
    assert!(message.contains("too often"), "{message}");
}

#[test]
fn a_decision_that_comes_while_the_end_is_recorded_is_refused_with_the_end() {
    let mut world = world(Stage::Savepoint);
    add_decision(&mut world, DecisionKind::Abort, "slack:T/U2", None);
    let ending = next_status(&world);
    let answers = |status: &FlinkRolloutStatus| {
        let answers = status.decisions.iter().map(|answer| (answer.result, answer.message.clone()));
        answers.collect::<Vec<_>>()
    };
    let applied = (DecisionResult::Applied, "ended as Untouched".to_owned());
    assert_eq!(answers(&ending), std::slice::from_ref(&applied), "it is the decision that ends the rollout");
    world.rollout.status = Some(ending);
    add_decision(&mut world, DecisionKind::RollBack, "slack:T/U3", None);
    complete_operation(&mut world, Operation::DiscardRevision);
    let late = (DecisionResult::Refused, "ended as Untouched".to_owned());
    assert_eq!(answers(&next_status(&world)), [applied, late]);
}

#[test]
fn a_halt_that_a_person_ends_is_remembered() {
    let mut world = world_going_back(Stage::Verify);
    world.rollout.status = Some(halted(&world, "kafka is down"));
    add_decision(&mut world, DecisionKind::Resume, "slack:T/U2", None);
    let status = next_status(&world);
    let past = status.past_halts.first().unwrap();
    assert_eq!((past.stage, past.stages as usize), (Stage::Verify, world.status().stages.len()));
    assert!(status.halt.is_none() && past.message.contains("kafka is down"), "{}", past.message);
}
