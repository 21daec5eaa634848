//! Tests of a rollout that another version of Lockkeeper left half done.

use super::{decisions::*, *};
use crate::api::{DecisionKind, DecisionResult};

fn world_of_another_version(stage: Stage) -> World {
    let mut world = world(stage);
    complete_operation(&mut world, Operation::CreateVersionedObjects);
    change_status(&mut world, |status| status.operations.last_mut().unwrap().name = "forward/0/drain-sources".into());
    world
}

#[test]
fn an_unknown_operation_halts_the_rollout_with_what_to_do() {
    for stage in [Stage::Plan, Stage::Savepoint, Stage::Stop, Stage::Monitor] {
        let mut world = world_of_another_version(stage);
        let status = next_status(&world);
        let halt = status.halt.clone().unwrap();
        assert!(halt.message.contains("drain-sources") && halt.message.contains("give up on it"), "{}", halt.message);
        assert!(!halt.parked);
        world.rollout.status = Some(status);
        assert!(matches!(next_step(&world), Step::Wait(_)));
    }
}

#[test]
fn a_rollout_with_an_unknown_operation_can_only_be_given_up() {
    let mut world = world_of_another_version(Stage::Monitor);
    world.rollout.status = Some(next_status(&world));
    for kind in [DecisionKind::Resume, DecisionKind::RollBack, DecisionKind::Abort, DecisionKind::Approve] {
        add_decision(&mut world, kind, "slack:T/U2", Some("d1"));
        let (result, message) = apply_decision(&mut world);
        assert_eq!(result, DecisionResult::Refused, "{kind:?}");
        assert!(message.contains("another version"), "{message}");
    }
    add_decision(&mut world, DecisionKind::GiveUp, "slack:T/U2", None);
    assert_eq!(result_of(&world).0, ResultKind::Abandoned);
}

#[test]
fn deleting_a_rollout_with_an_unknown_operation_gives_it_up() {
    let mut world = world_of_another_version(Stage::Monitor);
    world.rollout.metadata.deletion_timestamp = Some(world.time());
    world.rollout.status = Some(next_status(&world));
    assert_eq!(result_of(&world).0, ResultKind::Abandoned);
}

#[test]
fn a_parked_rollout_with_an_unknown_operation_is_not_scaled_down() {
    let mut world = world_of_another_version(Stage::Verify);
    world.rollout.status = Some(parked(&world, "no image"));
    assert!(matches!(next_step(&world), Step::Wait(_)));
}
