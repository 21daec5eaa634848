//! Jobs that Flink calls healthy, although they do not look like the sample job.

use lockkeeper::api::{Direction, FlinkRolloutStatus, ResultKind, Stage};
use serde_json::json;

use super::{deploy, expect_end, wait_for_end, wait_in};
use crate::scene::Scene;
use crate::support::record_ledger::RecordLedger;

/// A source that has FINISHED, in the version that comes and in the version that comes back.
pub(super) async fn a_bounded_input_beside_running_ones(scene: &Scene, ledger: &mut RecordLedger) {
    deploy(scene, "bounded-input", "1.1.0", &json!({"env": {"ORDERS_PRICES": "true"}}));
    let status = expect_end(scene, ledger, "bounded-input", ResultKind::Succeeded).await;
    let job = scene.orders.query_flink(&format!("/jobs/{}", status.job.unwrap().job_id)).unwrap();
    let vertices = job["vertices"].as_array().unwrap();
    assert!(vertices.iter().any(|vertex| vertex["status"] == "FINISHED"), "no vertex has FINISHED: {job}");
    deploy(scene, "back-to-a-bounded-input", "1.4.0", &json!({}));
    expect_end(scene, ledger, "back-to-a-bounded-input", ResultKind::RolledBack).await;
}

/// The watch lasts until the wanted checkpoints have completed.
pub(super) async fn checkpoints_that_are_longer_apart_than_the_watch(scene: &Scene, ledger: &mut RecordLedger) {
    let name = "rare-checkpoints";
    scene.orders.patch_spec(&json!({"monitor": {"watchMaxSeconds": 300}}));
    deploy(scene, name, "1.1.0", &json!({"checkpointInterval": "40 s"}));
    let status = expect_end(scene, ledger, name, ResultKind::Succeeded).await;
    let watch = status.watch.unwrap();
    assert!(watch.checkpoints >= 2, "{watch:?}");
    scene.orders.patch_spec(&json!({"values": {"checkpointInterval": null}}));
}

/// Tasks that stay INITIALIZING without an exception are progress.
pub(super) async fn a_restore_that_is_longer_than_the_deadline(scene: &Scene, ledger: &mut RecordLedger) {
    let name = "slow-restore";
    scene.orders.patch_spec(&json!({"startDeadlineSeconds": 45}));
    deploy(scene, name, "1.1.0", &json!({"env": {"ORDERS_RESTORE_SECONDS": "90"}}));
    let status = expect_end(scene, ledger, name, ResultKind::Succeeded).await;
    let verify = status.stages.iter().find(|record| record.stage == Stage::Verify).unwrap();
    let took = verify.ended_at.as_ref().unwrap().0.as_second() - verify.started_at.0.as_second();
    assert!(took > 90, "the restore was not slow: {took} s");
    scene.orders.patch_spec(&json!({"startDeadlineSeconds": 600, "values": {"env": {"ORDERS_RESTORE_SECONDS": null}}}));
}

/// Flink answers with another spelling of the path than it was given.
pub(super) async fn a_savepoint_directory_with_two_slashes(scene: &Scene, ledger: &mut RecordLedger) {
    let directory = |slashes: &str| {
        let uri = format!("file://{}{slashes}savepoints", scene.orders.data.display());
        scene.orders.patch_spec(&json!({"savepoint": {"directory": uri}}));
    };
    directory("//");
    deploy(scene, "two-slashes", "1.0.0", &json!({}));
    expect_end(scene, ledger, "two-slashes", ResultKind::Succeeded).await;
    deploy(scene, "two-slashes-and-back", "1.4.0", &json!({}));
    expect_end(scene, ledger, "two-slashes-and-back", ResultKind::RolledBack).await;
    directory("/");
}

/// The job starts with fewer slots than it wants. A TaskManager that comes during the watch makes it rescale, which is no restart.
pub(super) async fn an_adaptive_scheduler_that_rescales(scene: &Scene) {
    let (orders, name) = (&scene.orders, "adaptive");
    let values = json!({
        "parallelism": 6,
        "flink": {"jobmanager.scheduler": "adaptive", "jobmanager.adaptive-scheduler.submission.resource-wait-timeout": "20 s"},
    });
    orders.patch_spec(&json!({"monitor": {"restartsAllowed": 0, "watchSeconds": 45}}));
    deploy(scene, name, "1.1.0", &values);
    let watched =
        |status: &FlinkRolloutStatus| status.watch.as_ref().is_some_and(|watch| watch.watching_since.is_some());
    wait_in(scene, name, (Direction::Forward, Stage::Monitor), watched).await;
    orders.kubectl(&["scale", "deployment", "orders-taskmanager", "--replicas=3"]);
    let status = wait_for_end(scene, name, ResultKind::Succeeded).await;
    assert_eq!(status.watch.unwrap().restarts, 0, "{}", status.message);
}
