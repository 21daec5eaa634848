//! Tests of the watch: counters, checkpoints, exits and its end.

use super::{after_stop::with_started_job, *};

#[test]
fn missing_checkpoints_are_reported_with_the_reason_of_the_last_failure() {
    let mut world = with_watch(world(Stage::Monitor), 1, 0);
    let known = world.flink.checkpoints.as_mut().unwrap();
    known.counts.failed = 7;
    known.latest.failed = Some(from_json(json!({"failure_message": "disk full\n\tat X"})));
    advance_clock(&mut world, 301);
    let message = next_status(&world).failure.unwrap().message;
    assert!(message.ends_with("; 7 failed, the last one because: disk full"), "{message}");
}

pub(super) fn with_watch(world: World, restored: u64, completed: u64) -> World {
    let mut world = with_started_job(world, restored, POINT, 2);
    world.flink.checkpoints = Some(checkpoint_counts(restored, POINT, completed));
    change_status(&mut world, |status| {
        status.watch = Some(from_json(json!({
            "settlingSince": "2026-01-01T11:59:30Z", "watchingSince": "2026-01-01T11:59:40Z",
            "restored": 1, "completed": 0, "restarts": 0, "checkpoints": 0})));
    });
    world
}

#[test]
fn the_end_of_the_watch_waits_for_cached_answers_to_expire() {
    let mut world = with_watch(world(Stage::Monitor), 1, 1);
    world.flink.refresh_interval = Some(5000);
    let watched = world.now.duration_since(world.status().watch.unwrap().watching_since.unwrap().0).as_secs();
    assert_eq!((watched, world.plan().unwrap().settings.monitor.watch_seconds), (20, 15));
    let status = next_status(&world);
    assert!(status.failure.is_none() && status.ending.is_none(), "the answer is 6 s old at most");
    let mut enough = world.clone();
    enough.flink.checkpoints = Some(checkpoint_counts(1, POINT, 2));
    let status = next_status(&enough);
    assert_eq!((status.ending.unwrap().kind, status.watch.unwrap().checkpoints), (ResultKind::Succeeded, 2));
    advance_clock(&mut world, 1);
    assert!(next_status(&world).failure.unwrap().message.starts_with("only 1 of 2 wanted checkpoints"));
}

#[test]
fn a_restart_counts_even_if_the_job_is_running_again() {
    let status = next_status(&with_watch(world(Stage::Monitor), 2, 12));
    assert_eq!((status.direction, status.stage), (Direction::Back, Stage::Stop));
    assert!(status.failure.unwrap().message.starts_with("1 restarts, 0 allowed"));
}

#[test]
fn a_restart_without_a_checkpoint_is_counted_from_the_exceptions() {
    let mut world = with_watch(world(Stage::Monitor), 1, 0);
    world.flink.exceptions = Some(from_json(json!({"exceptionHistory": {"entries": [
        {"exceptionName": "E", "stacktrace": "E: boom", "timestamp": 2000}, {"exceptionName": "E", "stacktrace": "E: old", "timestamp": 1000}]}})));
    change_status(&mut world, |status| status.watch.as_mut().unwrap().newest_exception = Some(1000));
    let why = next_status(&world).failure.unwrap().message;
    assert_eq!(why, "1 restarts, 0 allowed: E: boom");
}

#[test]
fn the_watch_has_its_own_deadline_after_settling() {
    let mut world = with_watch(world(Stage::Monitor), 1, 2);
    change_status(&mut world, |status| status.watch.as_mut().unwrap().watching_since = None);
    advance_clock(&mut world, 75);
    world.rollout.status = Some(next_status(&world));
    assert!(world.status().watch.unwrap().watching_since.is_some());
    advance_clock(&mut world, 14);
    world.flink.unknown = Some("no answer".to_owned());
    world.flink.job = None;
    assert!(matches!(next_step(&world), Step::Wait(_)), "the deadline of settling is over, that of the watch is not");
    advance_clock(&mut world, 62);
    assert_eq!(next_status(&world).failure.unwrap().message, "Flink could not be watched: no answer");
    world.flink.unknown = None;
    world.flink.job = Some(job_detail("RUNNING", 1));
    assert_eq!(next_status(&world).failure.unwrap().message, "not RUNNING any more: count");
}

#[test]
fn a_watch_succeeds_only_with_the_wanted_checkpoints() {
    assert_eq!(result_of(&with_watch(world(Stage::Monitor), 1, 2)).0, ResultKind::Succeeded);
    let status = next_status(&with_watch(world(Stage::Monitor), 1, 1));
    assert!(status.failure.unwrap().message.contains("only 1 of 2 wanted checkpoints"));
}

#[test]
fn a_failed_watch_without_automatic_rollback_halts() {
    let mut world = with_watch(world(Stage::Monitor), 3, 2);
    change_status(&mut world, |status| status.plan.as_mut().unwrap().settings.automatic_rollback = false);
    assert_eq!(next_status(&world).phase, "Halted");
}

#[test]
fn an_exit_before_a_watch_was_resumed_does_not_count_again() {
    let mut world = with_watch(world_going_back(Stage::Monitor), 1, 2);
    let ended = json!([{"name": "main", "image": "i", "imageID": "i", "ready": true, "restartCount": 1, "state": {"running": {}},
        "lastState": {"terminated": {"exitCode": 137, "finishedAt": "2026-01-01T11:59:00Z"}}}]);
    world.workloads.job_manager.pods[0].status.as_mut().unwrap().container_statuses = Some(from_json(ended));
    assert!(next_status(&world).halt.unwrap().message.contains("exit code 137"));
    let base = world.clone();
    change_status(&mut world, |status| status.enter(&base, Stage::Monitor));
    assert_eq!(result_of(&world).0, ResultKind::RolledBack);
}

#[test]
fn exceptions_older_than_the_first_answer_do_not_count() {
    let mut world = with_watch(world(Stage::Monitor), 1, 0);
    change_status(&mut world, |status| status.plan.as_mut().unwrap().settings.monitor.watch_seconds = 60);
    world.flink.exceptions = Some(from_json(json!({"exceptionHistory": {"entries": [
        {"exceptionName": "E", "stacktrace": "E: while settling", "timestamp": 1000}]}})));
    let status = next_status(&world);
    assert_eq!((status.direction, status.watch.unwrap().newest_exception), (Direction::Forward, Some(1000)));
}
