//! Tests of a stop whose JobManager is lost, and of the halts while the old job could start again.

use super::*;
use crate::api::{Component, RestorePointKind};

fn job_map() -> k8s_openapi::api::core::v1::ConfigMap {
    from_json(json!({"metadata": {"name": format!("orders-{OLD_JOB}-config-map"), "uid": "m"}}))
}

/// The stop was requested. The job has its own HA `ConfigMap`, as it had at Plan.
fn world_with_stop_and_metadata() -> World {
    let mut world = world(Stage::Savepoint);
    complete_operation(&mut world, Operation::CreateVersionedObjects);
    complete_operation(&mut world, Operation::StopWithSavepoint);
    change_status(&mut world, |status| {
        let job = status.plan.as_mut().unwrap().current.as_mut().unwrap().job.as_mut().unwrap();
        job.ha_config_map = Some(format!("orders-{OLD_JOB}-config-map"));
    });
    world.ha.items = vec![job_map()];
    world
}

fn completed_savepoint() -> Checkpoints {
    from_json(
        json!({"latest": {"savepoint": {"status": "COMPLETED", "checkpoint_type": "SYNC_SAVEPOINT", "external_path": POINT,
        "state_size": 7, "trigger_timestamp": now().as_millisecond()}}}),
    )
}

/// Flink has shown the completed savepoint while the job still finished. Then Flink is lost.
fn world_with_candidate_and_without_flink() -> World {
    let mut world = world_with_stop_and_metadata();
    world.flink.job = Some(job_detail("RUNNING", 2));
    world.flink.checkpoints = Some(completed_savepoint());
    let status = next_status(&world);
    assert_eq!(status.savepoint_candidate.as_ref().unwrap().path.as_str(), POINT, "it is recorded at first sight");
    world.rollout.status = Some(status);
    assert!(matches!(next_step(&world), Step::Wait(_)));
    world.flink = FlinkView { unknown: Some("cannot connect".into()), ..FlinkView::default() };
    world
}

#[test]
fn a_savepoint_that_was_seen_is_used_once_its_job_has_ended_for_good() {
    let mut world = world_with_candidate_and_without_flink();
    world.ha.items.clear();
    world.flink_answered_at = Some(world.now);
    assert!(matches!(next_step(&world), Step::Wait(_)), "one missing answer is no silence");
    advance_clock(&mut world, 30);
    let point = next_status(&world).restore_point.unwrap();
    assert_eq!((point.path.as_str(), point.kind), (POINT, RestorePointKind::UncommittedSavepoint));
    assert_eq!((point.at.0, point.size_bytes), (now(), Some(7)));

    let mut starts_again = world_with_candidate_and_without_flink();
    starts_again.ha.items.clear();
    starts_again.flink = FlinkView { jobs: Some(Vec::new()), ..FlinkView::default() };
    assert_eq!(next_status(&starts_again).restore_point.unwrap().path.as_str(), POINT, "its container began anew");
}

#[test]
fn a_savepoint_that_was_seen_is_not_used_while_the_job_may_be_recovered() {
    let mut world = world_with_candidate_and_without_flink();
    advance_clock(&mut world, 1000);
    let halt = next_status(&world).halt.unwrap();
    assert!(halt.message.contains(POINT) && halt.message.contains("later state"), "{}", halt.message);
    world.savepoints_on_disk = Some(vec!["file:/sp/r-u/a".into(), "file:/sp/r-u/b".into()]);
    world.ha.items.clear();
    assert!(next_status(&world).halt.is_some(), "what lies in the directory contradicts it");
}

#[test]
fn an_old_job_that_runs_again_does_not_hide_the_savepoint_that_was_seen() {
    let mut world = world_with_candidate_and_without_flink();
    let began = world.now.as_millisecond() + 60_000;
    let job = json!({"jid": OLD_JOB, "name": "orders", "state": "RUNNING", "start-time": began});
    world.flink = FlinkView {
        jobs: Some(vec![from_json(job)]),
        job: Some(job_detail("RUNNING", 2)),
        checkpoints: Some(checkpoint_counts(1, "file:/sp/older", 0)),
        stop: StopStatus::Forgotten("There is no savepoint operation".into()),
        ..FlinkView::default()
    };
    assert_eq!(next_status(&world).restore_point.unwrap().path.as_str(), POINT);
    world.flink.checkpoints = Some(checkpoint_counts(1, &format!("file:/cp/{OLD_JOB}/chk-9"), 3));
    assert_eq!(result_of(&world).0, ResultKind::Untouched, "it was recovered from a checkpoint of its own");
}

#[test]
fn a_savepoint_of_another_stop_is_not_taken_for_our_own() {
    let own = |kind: &str, path: &str, triggered: i64| {
        let mut world = world_with_stop_and_metadata();
        let flink_now = world.now.as_millisecond() - 3_600_000;
        world.flink.job = Some(from_json(json!({"state": "RUNNING", "now": flink_now})));
        world.flink.checkpoints = Some(from_json(json!({"history": [{"status": "COMPLETED", "checkpoint_type": kind,
            "external_path": path, "trigger_timestamp": flink_now + triggered}]})));
        matches!(next_step(&world), Step::Record(_))
    };
    assert!(own("SYNC_SAVEPOINT", POINT, 500), "Flink's clock is an hour behind");
    assert!(own("SYNC_SAVEPOINT", "s3://b/x/r-u/savepoint-1", 500), "Flink rewrote the folders above");
    assert!(!own("SYNC_SAVEPOINT", POINT, -600_000), "it is older than the request");
    assert!(!own("SAVEPOINT", POINT, 500));
    assert!(!own("SYNC_SAVEPOINT", "file:/sp/other/savepoint-1", 500));
}

#[test]
fn a_savepoint_that_flink_never_ends_halts_after_flinks_own_timeout() {
    let mut world = world_with_stop_and_metadata();
    change_status(&mut world, |status| {
        let job = status.plan.as_mut().unwrap().current.as_mut().unwrap().job.as_mut().unwrap();
        job.checkpointing = Some(from_json(json!({"timeoutMillis": 600_000})));
    });
    world.flink.job = Some(job_detail("RUNNING", 2));
    world.flink.checkpoints = Some(from_json(json!({"history": [
        {"status": "IN_PROGRESS", "checkpoint_type": "SYNC_SAVEPOINT", "trigger_timestamp": 1, "state_size": 0}]})));
    advance_clock(&mut world, 90 + 600);
    assert!(matches!(next_step(&world), Step::Wait(_)));
    advance_clock(&mut world, 1);
    let halt = next_status(&world).halt.unwrap();
    assert!(halt.message.contains("its own time-out"), "{}", halt.message);
}

/// The rollout is halted, because Flink has not answered about the stop.
fn halted_world() -> World {
    let mut world = world_with_stop_and_metadata();
    world.flink = FlinkView { unknown: Some("gone".into()), ..FlinkView::default() };
    advance_clock(&mut world, 100);
    world.rollout.status = Some(next_status(&world));
    assert!(world.status().halt.is_some());
    world
}

#[test]
fn a_halted_stop_leaves_a_job_manager_alone_that_may_recover_its_job() {
    let world = halted_world();
    assert!(matches!(next_step(&world), Step::Wait(_)));
    let mut unknown = halted_world();
    unknown.ha.items.clear();
    change_status(&mut unknown, |status| {
        let job = status.plan.as_mut().unwrap().current.as_mut().unwrap().job.as_mut().unwrap();
        job.ha_config_map = None;
    });
    assert!(matches!(next_step(&unknown), Step::Wait(_)), "the plan saw no HA ConfigMap of the job");
}

#[test]
fn a_halted_stop_holds_the_job_manager_of_a_job_that_ended_for_good() {
    let mut world = halted_world();
    world.ha.items.clear();
    world.rollout.status = Some(next_status(&world));
    assert!(matches!(next_step(&world), Step::Wait(_)), "Flink's cache may not show the path yet");
    advance_clock(&mut world, 4);
    let (operation, effect) = next_effect(&world);
    assert_eq!(operation, Operation::HoldJobManager);
    assert!(matches!(effect, Effect::Stop(Component::JobManager)));
    complete_operation(&mut world, Operation::HoldJobManager);
    world.workloads.job_manager = workload("jm", 0);
    world.rollout.status = Some(next_status(&world));
    let halt = world.status().halt.unwrap();
    assert!(halt.message.contains("was scaled to 0"), "{}", halt.message);
    assert!(matches!(next_step(&world), Step::Wait(_)));
    world.workloads.job_manager = workload("jm", 1);
    assert!(matches!(next_step(&world), Step::Wait(_)), "a person has scaled it up");
}

#[test]
fn a_path_that_comes_into_sight_during_a_halt_is_recorded_before_the_job_manager_is_held() {
    let mut world = halted_world();
    world.ha.items.clear();
    world.flink = FlinkView {
        jobs: Some(vec![job_overview(OLD_JOB, "FINISHED")]),
        job: Some(job_detail("FINISHED", 0)),
        checkpoints: Some(completed_savepoint()),
        ..FlinkView::default()
    };
    let status = next_status(&world);
    assert_eq!(status.savepoint_candidate.as_ref().unwrap().path.as_str(), POINT);
    assert!(status.halt.is_some() && status.restore_point.is_none());
}
