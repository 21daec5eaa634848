//! The savepoint: what counts as one, what does not, and when nobody can tell.

use super::*;
use crate::flink::SavepointOperation;

fn asked_to_stop() -> World {
    let mut world = world(Stage::Savepoint);
    complete(&mut world, Operation::CreateVersionedObjects);
    complete(&mut world, Operation::StopWithSavepoint);
    world
}

#[test]
fn the_stop_goes_into_the_rollouts_own_directory() {
    let mut world = world(Stage::Savepoint);
    complete(&mut world, Operation::CreateVersionedObjects);
    let Effect::StopWithSavepoint { job, request } = acted(&world).1 else { panic!("no stop") };
    assert_eq!((job.as_str(), request.directory.as_str()), (OLD_JOB, "file:/sp/r-u"));
}

#[test]
fn a_finished_job_with_its_savepoint_is_the_restore_point() {
    let mut world = asked_to_stop();
    world.flink.jobs = Some(vec![job(OLD_JOB, "FINISHED")]);
    world.flink.job = Some(detail("FINISHED", 0));
    let savepoint = |path: &str| {
        from_json::<Checkpoints>(json!({"latest": {"savepoint": {
            "status": "COMPLETED", "checkpoint_type": "SYNC_SAVEPOINT", "external_path": path, "state_size": 7, "trigger_timestamp": 1000}}}))
    };
    world.flink.checkpoints = Some(savepoint("file:/elsewhere/savepoint-1"));
    assert!(matches!(next_step(&world), Step::Wait(_)), "somebody else's savepoint");
    world.flink.checkpoints = Some(savepoint(POINT));
    let point = recorded(&world).restore_point.unwrap();
    assert_eq!((point.path.as_str(), point.size_bytes), (POINT, Some(7)));
}

#[test]
fn a_job_that_runs_on_without_a_savepoint_is_untouched_and_choices_are_offered() {
    let mut world = asked_to_stop();
    world.flink.job = Some(detail("RUNNING", 2));
    world.flink.stop =
        StopStatus::Known(SavepointOperation::Failed { cause: "disk full".into(), trace: "disk full".into() });
    let choices = recorded(&world).ending.unwrap().choices;
    assert_eq!(choices[0].start_from.from, crate::api::StartFromKind::LastCheckpoint);
    let (kind, message) = end(&world);
    assert_eq!(kind, ResultKind::Untouched);
    assert!(message.contains("disk full"));
}

/// After the stop was asked for, a JobManager that does not know of it runs the job again: since when, and restored from where.
fn runs_again(began: &str, restored: &str) -> World {
    let mut world = asked_to_stop();
    let began: Timestamp = began.parse().unwrap();
    world.flink.jobs = Some(vec![from_json(
        json!({"jid": OLD_JOB, "name": "orders", "state": "RUNNING", "start-time": began.as_millisecond()}),
    )]);
    world.flink.job = Some(detail("RUNNING", 2));
    world.flink.checkpoints = Some(checkpoints(1, restored, 3));
    world.flink.stop = StopStatus::Forgotten("There is no savepoint operation".into());
    world.savepoints_on_disk = Some(vec![POINT.into()]);
    world
}

const BEFORE: &str = "2026-01-01T09:00:00Z";
const AFTER: &str = "2026-01-01T12:00:05Z";

#[test]
fn a_job_that_runs_again_after_a_failover_makes_its_savepoint_unusable() {
    let (kind, message) = end(&runs_again(AFTER, &format!("file:/cp/{OLD_JOB}/chk-9")));
    assert_eq!(kind, ResultKind::Untouched);
    assert!(message.contains("runs again from its checkpoint"), "{message}");
}

#[test]
fn a_job_that_never_stopped_running_is_untouched() {
    let (kind, message) = end(&runs_again(BEFORE, "file:/sp/older"));
    assert_eq!(kind, ResultKind::Untouched);
    assert!(message.contains("has run on all the time"), "{message}");
}

#[test]
fn an_old_job_that_was_started_anew_after_its_stop_is_no_failover() {
    // Its container ended with the stop, and the Deployment started it with its old options: the savepoint is what counts.
    let mut world = runs_again(AFTER, "file:/sp/older");
    assert_eq!(recorded(&world).restore_point.unwrap().path.as_str(), POINT);
    world.savepoints_on_disk = Some(Vec::new());
    assert_eq!(end(&world).0, ResultKind::Untouched);
    world.savepoints_on_disk = None;
    let halt = recorded(&world).halt.unwrap();
    assert!(halt.message.contains("file:/sp/older"), "{}", halt.message);
}

#[test]
fn the_stop_is_never_asked_for_of_a_job_that_was_started_anew() {
    let mut world = runs_again(AFTER, "file:/sp/older");
    set(&mut world, |status| status.operations.last_mut().unwrap().completed_at = None);
    world.flink.stop = StopStatus::NotRead;
    assert!(matches!(next_step(&world), Step::Wait(_)));
    let mut resumed = asked_to_stop();
    let base = resumed.clone();
    set(&mut resumed, |status| {
        status.operations.last_mut().unwrap().completed_at = None;
        status.enter(&base, Stage::Savepoint);
    });
    assert!(matches!(next_step(&resumed), Step::Wait(_)), "a person resumed it: only look");
}

#[test]
fn a_savepoint_that_takes_longer_than_its_deadline_is_waited_for() {
    let mut world = asked_to_stop();
    world.flink.job = Some(detail("RUNNING", 2));
    world.flink.checkpoints = Some(from_json(json!({"history": [
        {"status": "IN_PROGRESS", "checkpoint_type": "SYNC_SAVEPOINT", "trigger_timestamp": 1, "state_size": 0}]})));
    later(&mut world, 1000);
    assert!(matches!(next_step(&world), Step::Wait(_)));
}

#[test]
fn a_savepoint_in_sight_of_a_failed_job_needs_no_message() {
    let mut world = asked_to_stop();
    world.flink.job = Some(detail("FAILED", 0));
    world.flink.checkpoints = Some(from_json(json!({"latest": {"savepoint": {
        "status": "COMPLETED", "checkpoint_type": "SYNC_SAVEPOINT", "external_path": POINT, "state_size": 7, "trigger_timestamp": 1000}}})));
    let point = recorded(&world).restore_point.unwrap();
    assert_eq!((point.path.as_str(), point.kind), (POINT, crate::api::RestorePointKind::UncommittedSavepoint));
}

/// Flink shows the completed savepoint of a job that has not finished, and that restarted last at this moment.
fn in_sight_of_a_running_job(restarting: i64) -> World {
    let mut world = asked_to_stop();
    let mut running = detail("RUNNING", 2);
    running.timestamps.insert("RESTARTING".to_owned(), restarting);
    world.flink.job = Some(running);
    world.flink.checkpoints = Some(from_json(json!({"latest": {"savepoint": {
        "status": "COMPLETED", "checkpoint_type": "SYNC_SAVEPOINT", "external_path": POINT, "trigger_timestamp": 1000}}})));
    world
}

#[test]
fn a_savepoint_of_a_job_that_restarted_while_stopping_is_unusable() {
    let (kind, message) = end(&in_sight_of_a_running_job(1001));
    assert_eq!(kind, ResultKind::Untouched);
    assert!(message.contains(POINT) && message.contains("failed while stopping"), "{message}");
}

#[test]
fn a_job_that_does_not_finish_is_told_with_its_savepoint() {
    let mut world = in_sight_of_a_running_job(0);
    assert!(matches!(next_step(&world), Step::Wait(_)));
    later(&mut world, 1000);
    let halt = recorded(&world).halt.unwrap();
    assert!(halt.message.contains(POINT) && halt.message.contains("does not finish"), "{}", halt.message);
}

#[test]
fn one_look_without_an_answer_is_no_silence() {
    let mut world = asked_to_stop();
    world.flink = FlinkView { unknown: Some("gone".into()), ..FlinkView::default() };
    world.savepoints_on_disk = Some(vec![POINT.into()]);
    later(&mut world, 100);
    world.flink_answered_at = Some(world.now.checked_sub(SignedDuration::from_secs(5)).unwrap());
    assert!(matches!(next_step(&world), Step::Wait(_)));
}

#[test]
fn objects_that_cannot_be_created_end_it_in_time() {
    let mut world = world(Stage::Savepoint);
    assert_eq!(acted(&world).0, Operation::CreateVersionedObjects);
    later(&mut world, 1000);
    assert!(end(&world).1.contains("could not be created in time"));
}

#[test]
fn a_savepoint_whose_job_failed_while_stopping_is_used_as_what_it_is() {
    let mut world = asked_to_stop();
    world.flink.jobs = Some(vec![job(OLD_JOB, "FAILED")]);
    world.flink.job = Some(detail("FAILED", 0));
    let trace = format!(
        "A savepoint has been created at: {POINT}, but the corresponding job {OLD_JOB} failed during stopping."
    );
    world.flink.stop = StopStatus::Known(SavepointOperation::Failed { cause: "x".into(), trace });
    let point = recorded(&world).restore_point.unwrap();
    assert_eq!((point.path.as_str(), point.kind), (POINT, crate::api::RestorePointKind::UncommittedSavepoint));
}

#[test]
fn without_any_answer_the_directory_decides_or_it_halts() {
    let mut world = asked_to_stop();
    world.flink = FlinkView { unknown: Some("gone".into()), ..FlinkView::default() };
    assert!(matches!(next_step(&world), Step::Wait(_)));
    later(&mut world, 100);
    assert_eq!(recorded(&world).phase, "Halted");
    world.savepoints_on_disk = Some(vec![POINT.into()]);
    assert_eq!(recorded(&world).restore_point.unwrap().path.as_str(), POINT);
}
