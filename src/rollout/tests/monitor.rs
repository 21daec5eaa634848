//! The watch: counters, checkpoints, exits, and when it is over.

use super::{after_stop::started, *};

#[test]
fn missing_checkpoints_are_told_with_why_the_last_one_failed() {
    let mut world = watched(world(Stage::Monitor), 1, 0);
    let known = world.flink.checkpoints.as_mut().unwrap();
    known.counts.failed = 7;
    known.latest.failed = Some(from_json(json!({"failure_message": "disk full\n\tat X"})));
    later(&mut world, 301);
    let message = recorded(&world).failure.unwrap().message;
    assert!(message.ends_with("; 7 failed, the last one because: disk full"), "{message}");
}

pub(super) fn watched(world: World, restored: u64, completed: u64) -> World {
    let mut world = started(world, restored, POINT, 2);
    world.flink.checkpoints = Some(checkpoints(restored, POINT, completed));
    set(&mut world, |status| {
        status.watch = Some(from_json(json!({
            "settlingSince": "2026-01-01T11:59:30Z", "watchingSince": "2026-01-01T11:59:40Z",
            "restored": 1, "completed": 0, "restarts": 0, "checkpoints": 0})));
    });
    world
}

#[test]
fn what_flink_says_at_the_end_of_the_watch_may_be_from_before_it() {
    let mut world = watched(world(Stage::Monitor), 1, 1);
    world.flink.refresh_interval = Some(5000);
    let watched = world.now.duration_since(world.status().watch.unwrap().watching_since.unwrap().0).as_secs();
    assert_eq!((watched, world.plan().unwrap().settings.monitor.watch_seconds), (20, 15));
    let status = recorded(&world);
    assert!(status.failure.is_none() && status.ending.is_none(), "the answer is 6 s old at most");
    let mut enough = world.clone();
    enough.flink.checkpoints = Some(checkpoints(1, POINT, 2));
    let status = recorded(&enough);
    assert_eq!((status.ending.unwrap().kind, status.watch.unwrap().checkpoints), (ResultKind::Succeeded, 2));
    later(&mut world, 1);
    assert!(recorded(&world).failure.unwrap().message.starts_with("only 1 of 2 wanted checkpoints"));
}

#[test]
fn restarts_are_counted_and_not_the_jobs_state() {
    let status = recorded(&watched(world(Stage::Monitor), 2, 12));
    assert_eq!((status.direction, status.stage), (Direction::Back, Stage::Stop));
    assert!(status.failure.unwrap().message.starts_with("1 restarts, 0 allowed"));
}

#[test]
fn a_job_without_a_checkpoint_to_go_back_to_restarts_too() {
    let mut world = watched(world(Stage::Monitor), 1, 0);
    world.flink.exceptions = Some(from_json(json!({"exceptionHistory": {"entries": [
        {"exceptionName": "E", "stacktrace": "E: boom", "timestamp": 2000}, {"exceptionName": "E", "stacktrace": "E: old", "timestamp": 1000}]}})));
    set(&mut world, |status| status.watch.as_mut().unwrap().newest_exception = Some(1000));
    let why = recorded(&world).failure.unwrap().message;
    assert_eq!(why, "1 restarts, 0 allowed: E: boom");
}

#[test]
fn a_watch_has_a_deadline_of_its_own_however_long_settling_took() {
    let mut world = watched(world(Stage::Monitor), 1, 2);
    set(&mut world, |status| status.watch.as_mut().unwrap().watching_since = None);
    later(&mut world, 75);
    world.rollout.status = Some(recorded(&world));
    assert!(world.status().watch.unwrap().watching_since.is_some());
    later(&mut world, 14);
    world.flink.unknown = Some("no answer".to_owned());
    world.flink.job = None;
    assert!(matches!(next_step(&world), Step::Wait(_)), "the deadline of settling is over, that of the watch is not");
    later(&mut world, 62);
    assert_eq!(recorded(&world).failure.unwrap().message, "Flink could not be watched: no answer");
    world.flink.unknown = None;
    world.flink.job = Some(detail("RUNNING", 1));
    assert_eq!(recorded(&world).failure.unwrap().message, "not RUNNING any more: count");
}

#[test]
fn checkpoints_have_to_come() {
    assert_eq!(end(&watched(world(Stage::Monitor), 1, 2)).0, ResultKind::Succeeded);
    let status = recorded(&watched(world(Stage::Monitor), 1, 1));
    assert!(status.failure.unwrap().message.contains("only 1 of 2 wanted checkpoints"));
}

#[test]
fn without_automatic_rollback_a_person_is_asked() {
    let mut world = watched(world(Stage::Monitor), 3, 2);
    set(&mut world, |status| status.plan.as_mut().unwrap().settings.automatic_rollback = false);
    assert_eq!(recorded(&world).phase, "Halted");
}

#[test]
fn an_exit_from_before_a_watch_was_resumed_is_not_counted_again() {
    let mut world = watched(world_going_back(Stage::Monitor), 1, 2);
    let ended = json!([{"name": "main", "image": "i", "imageID": "i", "ready": true, "restartCount": 1, "state": {"running": {}},
        "lastState": {"terminated": {"exitCode": 137, "finishedAt": "2026-01-01T11:59:00Z"}}}]);
    world.workloads.job_manager.pods[0].status.as_mut().unwrap().container_statuses = Some(from_json(ended));
    assert!(recorded(&world).halt.unwrap().message.contains("exit code 137"));
    let base = world.clone();
    set(&mut world, |status| status.enter(&base, Stage::Monitor));
    assert_eq!(end(&world).0, ResultKind::RolledBack);
}

#[test]
fn exceptions_from_before_flink_said_anything_do_not_count() {
    let mut world = watched(world(Stage::Monitor), 1, 0);
    set(&mut world, |status| status.plan.as_mut().unwrap().settings.monitor.watch_seconds = 60);
    world.flink.exceptions = Some(from_json(json!({"exceptionHistory": {"entries": [
        {"exceptionName": "E", "stacktrace": "E: while settling", "timestamp": 1000}]}})));
    let status = recorded(&world);
    assert_eq!((status.direction, status.watch.unwrap().newest_exception), (Direction::Forward, Some(1000)));
}
