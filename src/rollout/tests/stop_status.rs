//! Tests when the status of the stop may be read. Reading a completed one can end the JobManager, and the path is lost with it.

use super::*;
use crate::rollout::may_read_stop;

/// The stop was requested 10 s ago, the job runs, and no savepoint is in progress.
fn running_job_with_requested_stop() -> (World, FlinkView) {
    let mut world = world(Stage::Savepoint);
    complete_operation(&mut world, Operation::StopWithSavepoint);
    advance_clock(&mut world, 10);
    let view = FlinkView {
        job: Some(job_detail("RUNNING", 2)),
        checkpoints: Some(Checkpoints::default()),
        refresh_interval: Some(3000),
        ..FlinkView::default()
    };
    (world, view)
}

fn with_savepoint(view: &mut FlinkView, status: &str, path: &str) {
    view.checkpoints = Some(from_json(json!({"latest": {"savepoint": {
        "status": status, "checkpoint_type": "SYNC_SAVEPOINT", "external_path": path}}})));
}

#[test]
fn the_stop_status_is_read_while_the_job_runs_without_a_savepoint() {
    let (world, view) = running_job_with_requested_stop();
    assert!(may_read_stop(&world, &view));
    for (state, expected) in [("RESTARTING", true), ("FAILED", true), ("FINISHED", false), ("FAILING", false)] {
        let view = FlinkView { job: Some(job_detail(state, 0)), ..view.clone() };
        assert_eq!(may_read_stop(&world, &view), expected, "{state}");
    }
}

#[test]
fn the_stop_status_is_not_read_before_the_stop_was_requested() {
    let (_, view) = running_job_with_requested_stop();
    let mut world = world(Stage::Savepoint);
    advance_clock(&mut world, 10);
    assert!(!may_read_stop(&world, &view));
}

#[test]
fn the_stop_status_is_not_read_while_cached_answers_may_be_older() {
    let (world, mut view) = running_job_with_requested_stop();
    view.refresh_interval = Some(10_000);
    assert!(!may_read_stop(&world, &view));
}

#[test]
fn the_stop_status_is_not_read_while_a_savepoint_is_in_progress() {
    let (world, mut view) = running_job_with_requested_stop();
    with_savepoint(&mut view, "IN_PROGRESS", "");
    assert!(!may_read_stop(&world, &view));
    view.job = Some(job_detail("FAILED", 0));
    assert!(may_read_stop(&world, &view), "reading a failed stop does not end the JobManager");
}

#[test]
fn the_stop_status_is_not_read_once_the_savepoint_is_visible() {
    for state in ["RUNNING", "FAILED", "FINISHED"] {
        let (world, mut view) = running_job_with_requested_stop();
        with_savepoint(&mut view, "COMPLETED", POINT);
        view.job = Some(job_detail(state, 0));
        assert!(!may_read_stop(&world, &view), "{state}");
    }
    let (world, mut view) = running_job_with_requested_stop();
    with_savepoint(&mut view, "COMPLETED", "file:/elsewhere/savepoint-1");
    assert!(may_read_stop(&world, &view), "somebody else's savepoint");
}

#[test]
fn the_stop_status_is_not_read_if_flink_answered_only_in_part() {
    let (world, view) = running_job_with_requested_stop();
    assert!(!may_read_stop(&world, &FlinkView { job: None, ..view.clone() }));
    assert!(!may_read_stop(&world, &FlinkView { checkpoints: None, ..view }));
}
