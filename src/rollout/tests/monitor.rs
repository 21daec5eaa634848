//! Tests of the watch: counters, checkpoints, exits and its end.

use super::{starts::with_started_job, *};

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
    look(&mut world);
    assert!(matches!(next_step(&world), Step::Wait(_)), "the deadline of settling is over, that of the watch is not");
    advance_clock(&mut world, 62);
    assert!(matches!(next_step(&world), Step::Wait(_)), "one answer with a gap proves nothing");
    let jobs = world.flink.jobs.take();
    let halt = next_status(&world).halt.unwrap();
    assert_eq!(halt.kind, HaltKind::OutOfSight, "silence proves nothing while the pod is Ready");
    assert!(halt.message.contains("no answer"), "{}", halt.message);
    world.flink.jobs = jobs;
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
    let ended = json!([{"name": "main", "image": "i", "imageID": "i", "ready": true, "restartCount": 2, "state": {"running": {}},
        "lastState": {"terminated": {"exitCode": 137, "finishedAt": "2026-01-01T11:59:00Z"}}}]);
    world.workloads.job_manager.pods[0].status.as_mut().unwrap().container_statuses = Some(from_json(ended));
    world.rollout.status = Some(next_status(&world));
    assert_eq!(world.status().job.unwrap().ends.unwrap().count, 2);
    world.rollout.status = Some(halted(&world, "it ends"));
    world.rollout.status = Some(super::super::halts::look_again(&world, world.status()));
    advance_clock(&mut world, 6);
    look(&mut world);
    advance_clock(&mut world, 16);
    world.flink.checkpoints = Some(checkpoint_counts(1, POINT, 12));
    look(&mut world);
    assert_eq!(result_of(&world).0, ResultKind::RolledBack);
}

/// The watch knows when the JobManager started the job.
fn with_job_started(mut world: World, known: i64, now: i64) -> World {
    change_status(&mut world, |status| status.watch.as_mut().unwrap().job_started = Some(known));
    world.flink.jobs.as_mut().unwrap()[0].start_time = now;
    world
}

#[test]
fn a_job_manager_that_moves_begins_the_watch_anew_and_counts_as_one_restart() {
    for start in [world, world_going_back] {
        // The counters run backwards: the new JobManager has completed 3 checkpoints.
        let mut world = with_job_started(with_watch(start(Stage::Monitor), 1, 3), 1000, 2000);
        change_status(&mut world, |status| status.watch.as_mut().unwrap().completed = 40);
        world.rollout.status = Some(next_status(&world));
        let watch = world.status().watch.unwrap();
        assert_eq!((watch.recoveries, watch.watching_since, watch.job_started), (1, None, Some(2000)));
        advance_clock(&mut world, 6);
        look(&mut world);
        world.flink.checkpoints = Some(checkpoint_counts(1, POINT, 5));
        advance_clock(&mut world, 16);
        let good =
            if world.status().direction == Direction::Back { ResultKind::RolledBack } else { ResultKind::Succeeded };
        assert_eq!(result_of(&world).0, good);
    }
}

#[test]
fn a_job_manager_that_moves_again_and_again_fails_the_watch() {
    let mut world = with_watch(world(Stage::Monitor), 1, 0);
    for at in 1..=3 {
        world = with_job_started(world, at, at + 1);
        assert!(world.status().failure.is_none());
        world.rollout.status = Some(next_status(&world));
    }
    assert!(next_status(&world).failure.unwrap().message.starts_with("3 restarts, 0 allowed"));
}

#[test]
fn a_rescale_by_the_adaptive_scheduler_is_no_restart() {
    let mut world = with_watch(world(Stage::Monitor), 4, 2);
    change_status(&mut world, |status| status.job.as_mut().unwrap().adaptive = true);
    world.flink.exceptions = Some(from_json(json!({"exceptionHistory": {"entries": []}})));
    assert_eq!(result_of(&world).0, ResultKind::Succeeded);
    world.flink.exceptions =
        Some(from_json(json!({"exceptionHistory": {"entries": [{"stacktrace": "E: boom", "timestamp": 9}]}})));
    change_status(&mut world, |status| status.watch.as_mut().unwrap().newest_exception = Some(0));
    assert!(next_status(&world).failure.unwrap().message.starts_with("1 restarts"));
}

/// The plan knows this checkpoint interval, in milliseconds.
fn with_interval(mut world: World, interval: Option<u64>) -> World {
    let known = json!({"intervalMillis": interval, "minPauseMillis": 0, "timeoutMillis": 600_000});
    change_status(&mut world, |status| {
        let plan = status.plan.as_mut().unwrap();
        plan.current.as_mut().unwrap().job.as_mut().unwrap().checkpointing = Some(from_json(known));
    });
    world
}

#[test]
fn the_watch_is_as_long_as_the_wanted_checkpoints_need() {
    let mut world = with_interval(with_watch(world(Stage::Monitor), 1, 1), Some(30_000));
    look(&mut world);
    advance_clock(&mut world, 60);
    look(&mut world);
    assert!(world.status().failure.is_none() && world.status().ending.is_none(), "2 checkpoints need up to 90 s");
    advance_clock(&mut world, 30);
    assert!(next_status(&world).failure.unwrap().message.starts_with("only 1 of 2 wanted checkpoints"));
    world.flink.checkpoints = Some(checkpoint_counts(1, POINT, 2));
    assert_eq!(result_of(&world).0, ResultKind::Succeeded);
}

#[test]
fn the_interval_of_the_new_version_counts_and_fewer_checkpoints_are_wanted_if_it_is_too_long() {
    let with_own_interval = |millis: u64| {
        let mut world = with_interval(with_watch(world(Stage::Monitor), 1, 1), Some(1_000));
        let own = json!({"intervalMillis": millis});
        change_status(&mut world, |status| status.job.as_mut().unwrap().checkpointing = Some(from_json(own)));
        world
    };
    let mut world = with_own_interval(30_000);
    look(&mut world);
    advance_clock(&mut world, 60);
    assert!(next_status_or_same(&world).failure.is_none(), "2 checkpoints need up to 90 s");
    let mut world = with_own_interval(1_800_000);
    look(&mut world);
    assert!(world.status().ending.is_none(), "1 checkpoint needs up to 3600 s");
    advance_clock(&mut world, 3600);
    assert_eq!(result_of(&world).0, ResultKind::Succeeded);
}

#[test]
fn checkpoints_that_failed_before_too_halt_because_going_back_would_not_help() {
    let mut world = with_watch(world(Stage::Monitor), 1, 0);
    change_status(&mut world, |status| {
        let job = status.plan.as_mut().unwrap().current.as_mut().unwrap().job.as_mut().unwrap();
        job.conditions =
            vec![from_json(json!({"kind": "CheckpointsFail", "text": "the last checkpoint failed: disk full"}))];
    });
    let halt = next_status(&world).halt.unwrap();
    assert_eq!(halt.kind, HaltKind::Unhealthy);
    assert!(
        halt.message.contains("Before this rollout it was the same") && halt.message.contains("disk full"),
        "{}",
        halt.message
    );
    // It does not make a failing version succeed, and other signs go back all the same.
    let restarted = with_watch(world.clone(), 3, 2);
    assert_eq!(next_status(&restarted).direction, Direction::Back);
}

#[test]
fn a_job_without_periodic_checkpoints_is_not_asked_for_any() {
    let world = with_interval(with_watch(world(Stage::Monitor), 1, 0), None);
    assert_eq!(result_of(&world).0, ResultKind::Succeeded);
}

#[test]
fn a_checkpoint_in_progress_is_not_missing_until_one_fails_or_the_longest_watch_is_over() {
    let mut world = with_watch(world(Stage::Monitor), 1, 0);
    change_status(&mut world, |status| {
        status.plan.as_mut().unwrap().settings.monitor.watch_max_seconds = 600;
        // These failed before every task ran.
        status.watch.as_mut().unwrap().failed = 3;
    });
    let checkpoints = world.flink.checkpoints.as_mut().unwrap();
    checkpoints.counts.failed = 3;
    checkpoints.history.push(from_json(json!({"status": "IN_PROGRESS", "checkpoint_type": "CHECKPOINT"})));
    advance_clock(&mut world, 300);
    look(&mut world);
    assert!(world.status().failure.is_none());
    assert!(world.status().message.starts_with("a checkpoint is in progress"), "{}", world.status().message);
    let mut gap = world.clone();
    gap.flink.checkpoints = None;
    assert!(next_status_or_same(&gap).failure.is_none(), "one look without an answer ends no long watch");
    let mut failed = world.clone();
    failed.flink.checkpoints.as_mut().unwrap().counts.failed = 4;
    assert!(next_status(&failed).failure.unwrap().message.contains("; 1 failed"));
    advance_clock(&mut world, 300);
    assert!(next_status(&world).failure.unwrap().message.starts_with("only 0 of 2"));
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

/// The watch has ended well, and the end is decided.
fn succeeding_world() -> World {
    let mut world = with_watch(world(Stage::Monitor), 1, 2);
    look(&mut world);
    world.rollout.status = Some(next_status(&world));
    world
}

#[test]
fn addresses_of_the_previous_version_are_deleted_once_the_new_one_is_proven() {
    let mut world = succeeding_world();
    assert_eq!(world.status().ending.as_ref().unwrap().kind, ResultKind::Succeeded);
    assert_eq!(next_effect(&world).0, Operation::DeleteAddresses);
    complete_operation(&mut world, Operation::DeleteAddresses);
    assert_eq!(next_effect(&world).0, Operation::WriteHistory);
}

#[test]
fn an_end_does_not_wait_for_addresses_that_cannot_be_deleted() {
    let mut world = succeeding_world();
    let begun = world.clone();
    change_status(&mut world, |status| {
        crate::rollout::StatusExt::intend(status, "u", Operation::DeleteAddresses, begun.now);
    });
    assert_eq!(next_effect(&world).0, Operation::DeleteAddresses, "it is tried again");
    advance_clock(&mut world, 120);
    assert_eq!(next_effect(&world).0, Operation::WriteHistory);
}

#[test]
fn an_end_waits_for_an_application_that_cannot_be_read() {
    let mut world = succeeding_world();
    complete_operation(&mut world, Operation::DeleteAddresses);
    let readable = world.clone();
    (world.application, world.application_is_unreadable) = (None, true);
    assert!(matches!(next_step(&world), Step::Wait(_)), "its history would be lost");
    assert_eq!(next_effect(&readable).0, Operation::WriteHistory);
}
