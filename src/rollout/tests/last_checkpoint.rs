//! Tests of a start from the last checkpoint. No other checkpoint may complete after its path is recorded.

use super::*;
use crate::api::{Component, RestorePointKind};

const LAST: &str = "file:/cp/old/chk-9";

fn world_with_last_checkpoint_request() -> World {
    let mut world = world(Stage::Savepoint);
    world.rollout.spec.request.start_from = from_json(json!({"from": "LastCheckpoint"}));
    complete_operation(&mut world, Operation::CreateVersionedObjects);
    world.flink.job = Some(job_detail("RUNNING", 2));
    world.flink.checkpoints = Some(completed_checkpoint(LAST));
    world
}

fn completed_checkpoint(path: &str) -> Checkpoints {
    from_json(json!({"counts": {"restored": 0, "completed": 9, "failed": 0}, "latest": {"completed": {
        "status": "COMPLETED", "external_path": path, "state_size": 5, "trigger_timestamp": now().as_millisecond()}}}))
}

/// The TaskManagers are gone, and Flink's cache has expired.
fn world_without_task_managers() -> World {
    let mut world = world_with_last_checkpoint_request();
    complete_operation(&mut world, Operation::ScaleDownForCheckpoint);
    world.workloads.task_manager = workload("tm", 0);
    world.rollout.status = Some(next_status(&world));
    advance_clock(&mut world, 5);
    world
}

#[test]
fn the_task_managers_are_stopped_before_the_path_is_recorded() {
    let mut world = world_with_last_checkpoint_request();
    assert!(matches!(next_effect(&world).1, Effect::Stop(Component::TaskManager)));
    complete_operation(&mut world, Operation::ScaleDownForCheckpoint);
    assert!(matches!(next_step(&world), Step::Wait(_)), "their pods still exist");
    let mut world = world_without_task_managers();
    world.flink.checkpoints = Some(completed_checkpoint("file:/cp/old/chk-10"));
    let point = next_status(&world).restore_point.unwrap();
    assert_eq!((point.path.as_str(), point.kind), ("file:/cp/old/chk-10", RestorePointKind::Checkpoint));
}

#[test]
fn the_path_is_recorded_only_after_flinks_cache_expires() {
    let mut world = world_without_task_managers();
    advance_clock(&mut world, -3);
    assert!(matches!(next_step(&world), Step::Wait(_)));
}

#[test]
fn a_job_without_a_restart_strategy_keeps_its_task_managers() {
    let mut world = world_with_last_checkpoint_request();
    world.flink.configuration = Some(BTreeMap::from([("restart-strategy.type".to_owned(), "none".to_owned())]));
    assert_eq!(next_status(&world).restore_point.unwrap().path.as_str(), LAST);
}

/// A job with this restart strategy, whose checkpoints Flink keeps or deletes when it becomes FAILED.
fn with_restarts(mut world: World, strategy: &str, retained: bool) -> World {
    change_status(&mut world, |status| {
        let job = status.plan.as_mut().unwrap().current.as_mut().unwrap().job.as_mut().unwrap();
        job.restart_strategy = Some(strategy.to_owned());
        job.checkpointing = Some(from_json(json!({"retainedOnFailure": retained})));
    });
    world
}

#[test]
fn a_job_that_the_loss_of_its_task_managers_could_end_is_not_held() {
    let limited = "Restart with fixed delay (PT10S). #3 restart attempts.";
    let failure_rate = "Failure rate restart with maximum of 3 failures within interval PT1M and fixed delay PT1S.";
    let stays = |mut world: World| {
        let option = ("execution.shutdown-on-application-finish".to_owned(), "false".to_owned());
        world.flink.configuration = Some(BTreeMap::from([option]));
        world
    };
    for (strategy, retained, keeps_job_manager, reason) in [
        (limited, false, true, Some("delete its checkpoints")),
        (failure_rate, false, false, Some("delete its checkpoints")),
        (limited, true, false, Some("start the old job again")),
        (limited, true, true, None),
        ("Restart with fixed delay (PT1S). #2147483647 restart attempts.", false, false, None),
        ("Restart with exponential delay: starting at PT1S, increasing by 1.5", false, false, None),
        ("Cluster level default restart strategy", false, false, None),
    ] {
        let world = with_restarts(world_with_last_checkpoint_request(), strategy, retained);
        let world = if keeps_job_manager { stays(world) } else { world };
        match reason {
            None => assert_eq!(next_effect(&world).0, Operation::ScaleDownForCheckpoint, "{strategy}"),
            Some(reason) => {
                let (kind, message) = result_of(&world);
                assert_eq!(kind, ResultKind::Untouched);
                assert!(message.contains(reason) && message.contains("Deployment jm"), "{message}");
            }
        }
    }
}

#[test]
fn the_strategy_of_the_configuration_counts_if_the_job_names_none() {
    let mut world =
        with_restarts(world_with_last_checkpoint_request(), "Cluster level default restart strategy", false);
    let configured = |key: &str, value: &str| {
        let kind = if key.contains("fixed") { "fixed-delay" } else { "exponential-delay" };
        Some(BTreeMap::from([
            ("restart-strategy.type".to_owned(), kind.to_owned()),
            (format!("restart-strategy.{key}"), value.to_owned()),
        ]))
    };
    world.flink.configuration = configured("fixed-delay.attempts", "10");
    assert!(result_of(&world).1.contains("limited number of times"));
    world.flink.configuration = configured("exponential-delay.attempts-before-reset-backoff", "5");
    assert!(result_of(&world).1.contains("limited number of times"));
    world.flink.configuration = configured("fixed-delay.attempts", "2147483647");
    assert_eq!(next_effect(&world).0, Operation::ScaleDownForCheckpoint);
}

#[test]
fn a_failed_job_has_a_last_checkpoint_only_if_flink_keeps_it() {
    let failed = |retained: bool| {
        let mut world = with_restarts(world_with_last_checkpoint_request(), "Restart deactivated.", retained);
        world.flink.job = Some(job_detail("FAILED", 0));
        world
    };
    let (kind, message) = result_of(&failed(false));
    assert_eq!(kind, ResultKind::Untouched);
    assert!(message.contains("the job is FAILED, and Flink deletes the checkpoints"), "{message}");
    assert_eq!(next_status(&failed(true)).restore_point.unwrap().path.as_str(), LAST);
}

#[test]
fn a_job_without_a_checkpoint_continues_from_its_start_state() {
    let mut world = world_without_task_managers();
    change_status(&mut world, |status| {
        status.plan.as_mut().unwrap().current.as_mut().unwrap().job.as_mut().unwrap().last_checkpoint = None;
    });
    world.flink.checkpoints = Some(checkpoint_counts(1, "file:/sp/start", 0));
    assert_eq!(next_status(&world).restore_point.unwrap().path.as_str(), "file:/sp/start");
    world.flink.checkpoints = Some(Checkpoints::default());
    assert!(result_of(&world).1.contains("has completed no checkpoint"));
}

#[test]
fn the_task_managers_come_back_if_flink_does_not_answer() {
    let mut world = world_without_task_managers();
    world.flink = FlinkView::default();
    advance_clock(&mut world, 1000);
    assert!(matches!(next_effect(&world).1, Effect::Start { task_managers: 2 }));
    complete_operation(&mut world, Operation::ScaleBackUp);
    let (kind, message) = result_of(&world);
    assert_eq!(kind, ResultKind::Untouched);
    assert!(message.contains("the TaskManagers are back"), "{message}");
}

#[test]
fn an_abort_brings_the_task_managers_back() {
    let mut world = world_without_task_managers();
    world.rollout.spec.decisions =
        vec![from_json(json!({"id": "d", "kind": "Abort", "by": "slack:T/U2", "at": "2026-01-01T12:00:00Z"}))];
    world.rollout.status = Some(next_status(&world));
    assert_eq!(next_effect(&world).0, Operation::ScaleBackUp);
}

#[test]
fn a_checkpoint_named_by_a_replaced_job_manager_is_not_the_last_state() {
    let older = from_json(json!({"latest": {"completed": {
        "status": "COMPLETED", "external_path": "file:/cp/old/chk-1", "trigger_timestamp": 1_000}}}));
    let mut world = world_without_task_managers();
    world.flink.checkpoints = Some(older);
    assert!(matches!(next_effect(&world).1, Effect::Start { task_managers: 2 }));
    complete_operation(&mut world, Operation::ScaleBackUp);
    world.flink.checkpoints = Some(completed_checkpoint(LAST));
    let (kind, message) = result_of(&world);
    assert_eq!(kind, ResultKind::Untouched);
    assert!(message.contains("The last checkpoint known before is file:/cp/chk-7"), "{message}");

    let mut began_again = world_without_task_managers();
    let at = began_again.now.as_millisecond();
    began_again.flink.jobs =
        Some(vec![from_json(json!({"jid": OLD_JOB, "name": "orders", "state": "RUNNING", "start-time": at}))]);
    assert_eq!(next_effect(&began_again).0, Operation::ScaleBackUp);
}

#[test]
fn a_rewind_without_a_savepoint_is_offered_and_keeps_the_last_checkpoint() {
    let rewind = json!({"from": "Path", "value": "file:/sp/older"});
    let mut world = world_with_last_checkpoint_request();
    world.rollout.spec.request.start_from = from_json(rewind.clone());
    complete_operation(&mut world, Operation::StopWithSavepoint);
    world.flink.job = Some(job_detail("RUNNING", 2));
    let cause = "disk full".to_owned();
    world.flink.stop = StopStatus::Known(crate::flink::SavepointOperation::Failed { trace: cause.clone(), cause });
    let choices = next_status(&world).ending.unwrap().choices;
    let offered = &choices.last().unwrap().start_from;
    assert!(offered.without_savepoint && offered.value.as_deref() == Some("file:/sp/older"), "{choices:?}");

    let mut again = world_without_task_managers();
    again.rollout.spec.request.start_from = offered.clone();
    again.rollout.status = Some(next_status(&again));
    assert_eq!(again.status().restore_point.unwrap().path.as_str(), LAST);
    let base = again.clone();
    change_status(&mut again, |status| status.enter(&base, Stage::Deploy));
    assert_eq!(next_status(&again).job.unwrap().start_path.as_deref(), Some("file:/sp/older"));
}
