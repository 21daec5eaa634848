//! On from the last checkpoint: no other may complete once its path is recorded.

use super::*;
use crate::api::{Component, RestorePointKind};

const LAST: &str = "file:/cp/old/chk-9";

fn asked_for() -> World {
    let mut world = world(Stage::Savepoint);
    world.rollout.spec.request.start_from = from_json(json!({"from": "LastCheckpoint"}));
    complete(&mut world, Operation::CreateVersionedObjects);
    world.flink.job = Some(detail("RUNNING", 2));
    world.flink.checkpoints = Some(completed(LAST));
    world
}

fn completed(path: &str) -> Checkpoints {
    from_json(json!({"counts": {"restored": 0, "completed": 9, "failed": 0}, "latest": {"completed": {
        "status": "COMPLETED", "external_path": path, "state_size": 5, "trigger_timestamp": now().as_millisecond()}}}))
}

/// With the TaskManagers gone and Flink's cache run out.
fn held() -> World {
    let mut world = asked_for();
    complete(&mut world, Operation::ScaleDownForCheckpoint);
    world.workloads.task_manager = workload("tm", 0);
    world.rollout.status = Some(recorded(&world));
    later(&mut world, 5);
    world
}

#[test]
fn the_task_managers_go_before_the_path_is_taken() {
    let mut world = asked_for();
    assert!(matches!(acted(&world).1, Effect::Stop(Component::TaskManager)));
    complete(&mut world, Operation::ScaleDownForCheckpoint);
    assert!(matches!(next_step(&world), Step::Wait(_)), "their pods are still there");
    let mut world = held();
    world.flink.checkpoints = Some(completed("file:/cp/old/chk-10"));
    let point = recorded(&world).restore_point.unwrap();
    assert_eq!((point.path.as_str(), point.kind), ("file:/cp/old/chk-10", RestorePointKind::Checkpoint));
}

#[test]
fn flinks_cache_is_waited_for() {
    let mut world = held();
    later(&mut world, -3);
    assert!(matches!(next_step(&world), Step::Wait(_)));
}

#[test]
fn without_a_restart_strategy_the_job_is_not_robbed_of_its_task_managers() {
    let mut world = asked_for();
    world.flink.configuration = Some(BTreeMap::from([("restart-strategy.type".to_owned(), "none".to_owned())]));
    assert_eq!(recorded(&world).restore_point.unwrap().path.as_str(), LAST);
}

#[test]
fn a_job_that_completed_none_since_its_start_goes_on_from_what_it_started_from() {
    let mut world = held();
    set(&mut world, |status| {
        status.plan.as_mut().unwrap().current.as_mut().unwrap().job.as_mut().unwrap().last_checkpoint = None;
    });
    world.flink.checkpoints = Some(checkpoints(1, "file:/sp/start", 0));
    assert_eq!(recorded(&world).restore_point.unwrap().path.as_str(), "file:/sp/start");
    world.flink.checkpoints = Some(Checkpoints::default());
    assert!(end(&world).1.contains("has completed no checkpoint"));
}

#[test]
fn if_flink_falls_silent_the_task_managers_come_back() {
    let mut world = held();
    world.flink = FlinkView::default();
    later(&mut world, 1000);
    assert!(matches!(acted(&world).1, Effect::Start { task_managers: 2 }));
    complete(&mut world, Operation::ScaleBackUp);
    let (kind, message) = end(&world);
    assert_eq!(kind, ResultKind::Untouched);
    assert!(message.contains("the TaskManagers are back"), "{message}");
}

#[test]
fn an_abort_meanwhile_brings_them_back_too() {
    let mut world = held();
    world.rollout.spec.decisions =
        vec![from_json(json!({"id": "d", "kind": "Abort", "by": "slack:T/U2", "at": "2026-01-01T12:00:00Z"}))];
    world.rollout.status = Some(recorded(&world));
    assert_eq!(acted(&world).0, Operation::ScaleBackUp);
}

#[test]
fn what_a_replaced_job_manager_names_is_not_taken_for_the_last_state() {
    let older = from_json(json!({"latest": {"completed": {
        "status": "COMPLETED", "external_path": "file:/cp/old/chk-1", "trigger_timestamp": 1_000}}}));
    let mut world = held();
    world.flink.checkpoints = Some(older);
    assert!(matches!(acted(&world).1, Effect::Start { task_managers: 2 }));
    complete(&mut world, Operation::ScaleBackUp);
    world.flink.checkpoints = Some(completed(LAST));
    let (kind, message) = end(&world);
    assert_eq!(kind, ResultKind::Untouched);
    assert!(message.contains("The last checkpoint known before is file:/cp/chk-7"), "{message}");

    let mut began_again = held();
    let at = began_again.now.as_millisecond();
    began_again.flink.jobs =
        Some(vec![from_json(json!({"jid": OLD_JOB, "name": "orders", "state": "RUNNING", "start-time": at}))]);
    assert_eq!(acted(&began_again).0, Operation::ScaleBackUp);
}

#[test]
fn a_rewind_without_a_savepoint_is_offered_and_keeps_the_last_checkpoint() {
    let rewind = json!({"from": "Path", "value": "file:/sp/older"});
    let mut world = asked_for();
    world.rollout.spec.request.start_from = from_json(rewind.clone());
    complete(&mut world, Operation::StopWithSavepoint);
    world.flink.job = Some(detail("RUNNING", 2));
    let cause = "disk full".to_owned();
    world.flink.stop = StopStatus::Known(crate::flink::SavepointOperation::Failed { trace: cause.clone(), cause });
    let choices = recorded(&world).ending.unwrap().choices;
    let offered = &choices.last().unwrap().start_from;
    assert!(offered.without_savepoint && offered.value.as_deref() == Some("file:/sp/older"), "{choices:?}");

    let mut again = held();
    again.rollout.spec.request.start_from = offered.clone();
    again.rollout.status = Some(recorded(&again));
    assert_eq!(again.status().restore_point.unwrap().path.as_str(), LAST);
    let base = again.clone();
    set(&mut again, |status| status.enter(&base, Stage::Deploy));
    assert_eq!(recorded(&again).job.unwrap().start_path.as_deref(), Some("file:/sp/older"));
}
