//! A rollout that another version of Lockkeeper left half done.

use super::{decisions::*, *};
use crate::api::{DecisionKind, DecisionResult};

fn begun_by_another_version(stage: Stage) -> World {
    let mut world = world(stage);
    complete(&mut world, Operation::CreateVersionedObjects);
    set(&mut world, |status| status.operations.last_mut().unwrap().name = "forward/0/drain-sources".into());
    world
}

#[test]
fn it_is_halted_with_what_to_do_and_nothing_is_carried_out() {
    for stage in [Stage::Plan, Stage::Savepoint, Stage::Stop, Stage::Monitor] {
        let mut world = begun_by_another_version(stage);
        let status = recorded(&world);
        let halt = status.halt.clone().unwrap();
        assert!(halt.message.contains("drain-sources") && halt.message.contains("give up on it"), "{}", halt.message);
        assert!(!halt.parked);
        world.rollout.status = Some(status);
        assert!(matches!(next_step(&world), Step::Wait(_)));
    }
}

#[test]
fn it_can_be_given_up_and_nothing_else() {
    let mut world = begun_by_another_version(Stage::Monitor);
    world.rollout.status = Some(recorded(&world));
    for kind in [DecisionKind::Resume, DecisionKind::RollBack, DecisionKind::Abort, DecisionKind::Approve] {
        say(&mut world, kind, "slack:T/U2", Some("d1"));
        let (result, message) = answered(&mut world);
        assert_eq!(result, DecisionResult::Refused, "{kind:?}");
        assert!(message.contains("another version"), "{message}");
    }
    say(&mut world, DecisionKind::GiveUp, "slack:T/U2", None);
    assert_eq!(end(&world).0, ResultKind::Abandoned);
}

#[test]
fn deleting_it_gives_it_up() {
    let mut world = begun_by_another_version(Stage::Monitor);
    world.rollout.metadata.deletion_timestamp = Some(world.time());
    world.rollout.status = Some(recorded(&world));
    assert_eq!(end(&world).0, ResultKind::Abandoned);
}

#[test]
fn a_parked_one_is_not_scaled_down() {
    let mut world = begun_by_another_version(Stage::Verify);
    world.rollout.status = Some(crate::rollout::halt(&world, world.status(), "no image", true, Vec::new()));
    assert!(matches!(next_step(&world), Step::Wait(_)));
}
