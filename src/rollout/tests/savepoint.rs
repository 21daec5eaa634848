//! Tests of the savepoint: what counts as one, what does not, and what is unknown.

use super::*;
use crate::flink::SavepointOperation;

fn world_with_requested_stop() -> World {
    let mut world = world(Stage::Savepoint);
    complete_operation(&mut world, Operation::CreateVersionedObjects);
    complete_operation(&mut world, Operation::StopWithSavepoint);
    world
}

#[test]
fn the_savepoint_is_written_to_the_rollouts_own_directory() {
    let mut world = world(Stage::Savepoint);
    complete_operation(&mut world, Operation::CreateVersionedObjects);
    let Effect::StopWithSavepoint { job, request } = next_effect(&world).1 else { panic!("no stop") };
    assert_eq!((job.as_str(), request.directory.as_str()), (OLD_JOB, "file:/sp/r-u"));
}

#[test]
fn a_finished_job_with_its_savepoint_is_the_restore_point() {
    let mut world = world_with_requested_stop();
    world.flink.jobs = Some(vec![job_overview(OLD_JOB, "FINISHED")]);
    world.flink.job = Some(job_detail("FINISHED", 0));
    let savepoint = |path: &str| {
        from_json::<Checkpoints>(json!({"latest": {"savepoint": {
            "status": "COMPLETED", "checkpoint_type": "SYNC_SAVEPOINT", "external_path": path, "state_size": 7, "trigger_timestamp": 1000}}}))
    };
    world.flink.checkpoints = Some(savepoint("file:/elsewhere/savepoint-1"));
    assert!(matches!(next_step(&world), Step::Wait(_)), "somebody else's savepoint");
    world.flink.checkpoints = Some(savepoint(POINT));
    let point = next_status(&world).restore_point.unwrap();
    assert_eq!((point.path.as_str(), point.size_bytes), (POINT, Some(7)));
}

#[test]
fn a_job_that_still_runs_without_a_savepoint_is_untouched_and_offers_choices() {
    let mut world = world_with_requested_stop();
    world.flink.job = Some(job_detail("RUNNING", 2));
    world.flink.stop =
        StopStatus::Known(SavepointOperation::Failed { cause: "disk full".into(), trace: "disk full".into() });
    let choices = next_status(&world).ending.unwrap().choices;
    assert_eq!(choices[0].start_from.from, crate::api::StartFromKind::LastCheckpoint);
    let (kind, message) = result_of(&world);
    assert_eq!(kind, ResultKind::Untouched);
    assert!(message.contains("disk full"));
}

/// After the stop was requested, a JobManager that does not know of it runs the job again. `began` is when, `restored` is from where.
fn world_with_job_that_runs_again(began: &str, restored: &str) -> World {
    let mut world = world_with_requested_stop();
    let began: Timestamp = began.parse().unwrap();
    world.flink.jobs = Some(vec![from_json(
        json!({"jid": OLD_JOB, "name": "orders", "state": "RUNNING", "start-time": began.as_millisecond()}),
    )]);
    world.flink.job = Some(job_detail("RUNNING", 2));
    world.flink.checkpoints = Some(checkpoint_counts(1, restored, 3));
    world.flink.stop = StopStatus::Forgotten("There is no savepoint operation".into());
    world.savepoints_on_disk = Some(vec![POINT.into()]);
    world
}

const BEFORE: &str = "2026-01-01T09:00:00Z";
const AFTER: &str = "2026-01-01T12:00:05Z";

#[test]
fn a_job_that_runs_again_after_a_failover_makes_its_savepoint_unusable() {
    let (kind, message) = result_of(&world_with_job_that_runs_again(AFTER, &format!("file:/cp/{OLD_JOB}/chk-9")));
    assert_eq!(kind, ResultKind::Untouched);
    assert!(message.contains("runs again from its checkpoint"), "{message}");
}

#[test]
fn a_job_that_never_stopped_running_is_untouched() {
    let (kind, message) = result_of(&world_with_job_that_runs_again(BEFORE, "file:/sp/older"));
    assert_eq!(kind, ResultKind::Untouched);
    assert!(message.contains("has run on all the time"), "{message}");
}

#[test]
fn an_old_job_that_started_again_after_its_stop_is_not_a_failover() {
    // Its container ended with the stop, and the Deployment started it with its old options. The savepoint counts.
    let mut world = world_with_job_that_runs_again(AFTER, "file:/sp/older");
    assert_eq!(next_status(&world).restore_point.unwrap().path.as_str(), POINT);
    world.savepoints_on_disk = Some(Vec::new());
    assert_eq!(result_of(&world).0, ResultKind::Untouched);
    world.savepoints_on_disk = None;
    let halt = next_status(&world).halt.unwrap();
    assert!(halt.message.contains("file:/sp/older"), "{}", halt.message);
}

#[test]
fn a_job_that_was_started_again_is_never_asked_to_stop() {
    let mut world = world_with_job_that_runs_again(AFTER, "file:/sp/older");
    change_status(&mut world, |status| status.operations.last_mut().unwrap().completed_at = None);
    world.flink.stop = StopStatus::NotRead;
    assert!(matches!(next_step(&world), Step::Wait(_)));
    let mut resumed = world_with_requested_stop();
    let base = resumed.clone();
    change_status(&mut resumed, |status| {
        status.operations.last_mut().unwrap().completed_at = None;
        status.enter(&base, Stage::Savepoint);
    });
    assert!(matches!(next_step(&resumed), Step::Wait(_)), "after Resume, Lockkeeper only observes");
}

#[test]
fn a_savepoint_that_takes_longer_than_its_deadline_is_waited_for() {
    let mut world = world_with_requested_stop();
    world.flink.job = Some(job_detail("RUNNING", 2));
    world.flink.checkpoints = Some(from_json(json!({"history": [
        {"status": "IN_PROGRESS", "checkpoint_type": "SYNC_SAVEPOINT", "trigger_timestamp": 1, "state_size": 0}]})));
    advance_clock(&mut world, 1000);
    assert!(matches!(next_step(&world), Step::Wait(_)));
}

#[test]
fn a_visible_savepoint_of_a_failed_job_needs_no_failure_message() {
    let mut world = world_with_requested_stop();
    world.flink.job = Some(job_detail("FAILED", 0));
    world.flink.checkpoints = Some(from_json(json!({"latest": {"savepoint": {
        "status": "COMPLETED", "checkpoint_type": "SYNC_SAVEPOINT", "external_path": POINT, "state_size": 7, "trigger_timestamp": 1000}}})));
    let point = next_status(&world).restore_point.unwrap();
    assert_eq!((point.path.as_str(), point.kind), (POINT, crate::api::RestorePointKind::UncommittedSavepoint));
}

/// Flink shows the completed savepoint of a job that has not finished. `restarting` is the time of its last restart.
fn world_with_savepoint_of_a_running_job(restarting: i64) -> World {
    let mut world = world_with_requested_stop();
    let mut running = job_detail("RUNNING", 2);
    running.timestamps.insert("RESTARTING".to_owned(), restarting);
    world.flink.job = Some(running);
    world.flink.checkpoints = Some(from_json(json!({"latest": {"savepoint": {
        "status": "COMPLETED", "checkpoint_type": "SYNC_SAVEPOINT", "external_path": POINT, "trigger_timestamp": 1000}}})));
    world
}

#[test]
fn a_savepoint_of_a_job_that_restarted_while_stopping_is_unusable() {
    let (kind, message) = result_of(&world_with_savepoint_of_a_running_job(1001));
    assert_eq!(kind, ResultKind::Untouched);
    assert!(message.contains(POINT) && message.contains("failed while stopping"), "{message}");
}

#[test]
fn the_adaptive_scheduler_shows_a_failed_stop_only_by_a_new_restore() {
    let mut world = world_with_savepoint_of_a_running_job(0);
    world.flink.checkpoints.as_mut().unwrap().latest.restored =
        Some(from_json(json!({"external_path": "file:/cp/old/chk-7", "restore_timestamp": 999})));
    assert!(matches!(next_step(&world), Step::Record(status) if status.ending.is_none()), "it was restored before");
    let restored = world.flink.checkpoints.as_mut().unwrap().latest.restored.as_mut();
    restored.unwrap().restore_timestamp = 1001;
    let (kind, message) = result_of(&world);
    assert_eq!(kind, ResultKind::Untouched);
    assert!(message.contains("failed while stopping"), "{message}");
}

#[test]
fn a_job_that_does_not_finish_halts_and_names_its_savepoint() {
    let mut world = world_with_savepoint_of_a_running_job(0);
    world.rollout.status = Some(next_status(&world));
    assert!(matches!(next_step(&world), Step::Wait(_)), "its path is recorded");
    advance_clock(&mut world, 1000);
    let noted = next_status(&world);
    assert!(noted.halt.is_none(), "committing and closing takes time");
    world.rollout.status = Some(noted);
    advance_clock(&mut world, 59);
    assert!(matches!(next_step(&world), Step::Wait(_)));
    let mut silent = world.clone();
    (silent.flink.job, silent.flink.checkpoints) = (None, None);
    assert!(matches!(next_step(&silent), Step::Wait(_)), "one look without an answer proves nothing");
    advance_clock(&mut world, 1);
    let halt = next_status(&world).halt.unwrap();
    assert!(halt.message.contains(POINT) && halt.message.contains("does not finish"), "{}", halt.message);
}

#[test]
fn a_job_that_finishes_soon_after_the_deadline_is_the_restore_point() {
    let mut world = world_with_savepoint_of_a_running_job(0);
    world.rollout.status = Some(next_status(&world));
    advance_clock(&mut world, 1000);
    world.rollout.status = Some(next_status(&world));
    advance_clock(&mut world, 8);
    world.flink.job = Some(job_detail("FINISHED", 0));
    assert_eq!(next_status(&world).restore_point.unwrap().path.as_str(), POINT);
}

#[test]
fn one_missing_answer_does_not_count_as_silence() {
    let mut world = world_with_requested_stop();
    world.flink = FlinkView { unknown: Some("gone".into()), ..FlinkView::default() };
    world.savepoints_on_disk = Some(vec![POINT.into()]);
    advance_clock(&mut world, 100);
    world.flink_answered_at = Some(world.now.checked_sub(SignedDuration::from_secs(5)).unwrap());
    assert!(matches!(next_step(&world), Step::Wait(_)));
}

#[test]
fn objects_that_cannot_be_created_end_the_rollout_at_the_deadline() {
    let mut world = world(Stage::Savepoint);
    assert_eq!(next_effect(&world).0, Operation::CreateVersionedObjects);
    advance_clock(&mut world, 1000);
    assert!(result_of(&world).1.contains("could not be created in time"));
}

#[test]
fn a_savepoint_whose_job_failed_while_stopping_is_used_as_uncommitted() {
    let mut world = world_with_requested_stop();
    world.flink.jobs = Some(vec![job_overview(OLD_JOB, "FAILED")]);
    world.flink.job = Some(job_detail("FAILED", 0));
    let trace = format!(
        "A savepoint has been created at: {POINT}, but the corresponding job {OLD_JOB} failed during stopping."
    );
    world.flink.stop = StopStatus::Known(SavepointOperation::Failed { cause: "x".into(), trace });
    let status = next_status(&world);
    let point = status.restore_point.clone().unwrap();
    assert_eq!((point.path.as_str(), point.kind), (POINT, crate::api::RestorePointKind::UncommittedSavepoint));
    world.rollout.status = Some(status);
    let told = next_status(&world).stages.iter().any(|stage| stage.evidence.contains("may be uncommitted"));
    assert!(told, "people are told what to check");
}

#[test]
fn without_an_answer_the_savepoint_directory_decides_or_the_rollout_halts() {
    let mut world = world_with_requested_stop();
    world.flink = FlinkView { unknown: Some("gone".into()), ..FlinkView::default() };
    assert!(matches!(next_step(&world), Step::Wait(_)));
    advance_clock(&mut world, 100);
    assert_eq!(next_status(&world).phase, "Halted");
    world.savepoints_on_disk = Some(vec![POINT.into()]);
    assert_eq!(next_status(&world).restore_point.unwrap().path.as_str(), POINT);
}
