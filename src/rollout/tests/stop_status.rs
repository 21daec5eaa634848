//! When the status of the stop may be read: reading a completed one can let the JobManager go, and the path with it.

use super::*;
use crate::rollout::may_read_stop;

/// The stop was asked for 10 s ago, the job runs, no savepoint is under way.
fn asked() -> (World, FlinkView) {
    let mut world = world(Stage::Savepoint);
    complete(&mut world, Operation::StopWithSavepoint);
    later(&mut world, 10);
    let view = FlinkView {
        job: Some(detail("RUNNING", 2)),
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
fn it_is_read_while_the_job_runs_and_no_savepoint_is_under_way() {
    let (world, view) = asked();
    assert!(may_read_stop(&world, &view));
    for (state, expected) in [("RESTARTING", true), ("FAILED", true), ("FINISHED", false), ("FAILING", false)] {
        let view = FlinkView { job: Some(detail(state, 0)), ..view.clone() };
        assert_eq!(may_read_stop(&world, &view), expected, "{state}");
    }
}

#[test]
fn it_is_not_read_before_the_stop_was_asked_for() {
    let (_, view) = asked();
    let mut world = world(Stage::Savepoint);
    later(&mut world, 10);
    assert!(!may_read_stop(&world, &view));
}

#[test]
fn it_is_not_read_while_cached_answers_may_be_older_than_the_stop() {
    let (world, mut view) = asked();
    view.refresh_interval = Some(10_000);
    assert!(!may_read_stop(&world, &view));
}

#[test]
fn it_is_not_read_while_a_savepoint_is_under_way() {
    let (world, mut view) = asked();
    with_savepoint(&mut view, "IN_PROGRESS", "");
    assert!(!may_read_stop(&world, &view));
    view.job = Some(detail("FAILED", 0));
    assert!(may_read_stop(&world, &view), "a failed stop releases nobody");
}

#[test]
fn it_is_not_read_once_the_savepoint_is_in_sight() {
    for state in ["RUNNING", "FAILED", "FINISHED"] {
        let (world, mut view) = asked();
        with_savepoint(&mut view, "COMPLETED", POINT);
        view.job = Some(detail(state, 0));
        assert!(!may_read_stop(&world, &view), "{state}");
    }
    let (world, mut view) = asked();
    with_savepoint(&mut view, "COMPLETED", "file:/elsewhere/savepoint-1");
    assert!(may_read_stop(&world, &view), "somebody else's savepoint");
}

#[test]
fn it_is_not_read_where_flink_did_not_say_enough() {
    let (world, view) = asked();
    assert!(!may_read_stop(&world, &FlinkView { job: None, ..view.clone() }));
    assert!(!may_read_stop(&world, &FlinkView { checkpoints: None, ..view }));
}
