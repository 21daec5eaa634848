//! An application that cannot take a savepoint: the rollout ends Untouched and offers other start states, or starts from the last checkpoint.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use lockkeeper::api::{FlinkRolloutStatus, RestorePointKind, ResultKind, Stage, StartFromKind, same_path};
use serde_json::json;

use crate::scene::Scene;
use crate::support::{application::text, record_ledger::RecordLedger, sandbox::eventually};

pub(super) async fn chain(scene: &Scene, ledger: &mut RecordLedger) {
    scene.orders.patch_spec(&json!({"approvals": {"required": 0}}));
    scene
        .assert_untouched("a savepoint directory that cannot be written", fails_with_an_unwritable_directory(scene))
        .await;
    starts_from_the_last_checkpoint(scene, ledger).await;
}

async fn fails_with_an_unwritable_directory(scene: &Scene) {
    let orders = &scene.orders;
    let file = orders.data.join("plain-file");
    fs::write(&file, "not a folder").unwrap();
    let directory =
        |folder: &str| json!({"savepoint": {"directory": format!("file://{}/{folder}", orders.data.display())}});
    orders.patch_spec(&directory("plain-file/savepoints"));
    orders.request_rollout("no-folder", json!({"kind": "Deploy", "version": "1.1.0"}));
    let result = orders.wait_until_settled("no-folder").await.result.unwrap();
    assert_eq!(result.kind, ResultKind::Untouched, "{}", result.message);
    assert!(result.message.starts_with("no savepoint, and the job runs on: "), "{}", result.message);
    let offered: Vec<StartFromKind> = result.choices.iter().map(|choice| choice.start_from.from).collect();
    assert!(offered.contains(&StartFromKind::LastCheckpoint), "{:?}", result.choices);
    scene.wait_for_thread("no-folder", "A new rollout could start from:").await;
    orders.patch_spec(&directory("savepoints"));
}

/// No checkpoint and no savepoint completes any more. 1.1.0 starts from the last completed checkpoint.
async fn starts_from_the_last_checkpoint(scene: &Scene, ledger: &mut RecordLedger) {
    println!("==== a job that cannot checkpoint");
    let orders = &scene.orders;
    let faults = orders.data.join("faults");
    fs::create_dir_all(&faults).unwrap();
    fs::set_permissions(&faults, fs::Permissions::from_mode(0o777)).unwrap();
    let fault = faults.join("no-checkpoints");
    fs::write(&fault, "").unwrap();
    scene
        .assert_untouched("a savepoint that fails", async {
            orders.request_rollout("no-checkpoints", json!({"kind": "Deploy", "version": "1.1.0"}));
            let result = orders.wait_until_settled("no-checkpoints").await.result.unwrap();
            assert_eq!(result.kind, ResultKind::Untouched, "{}", result.message);
        })
        .await;

    let checkpoints = format!("/jobs/{}/checkpoints", ledger.job());
    let last = eventually("Flink's checkpoints", Duration::from_secs(120), || orders.query_flink(&checkpoints)).await;
    let name = "last-checkpoint";
    orders
        .request_rollout(name, json!({"kind": "Deploy", "version": "1.1.0", "startFrom": {"from": "LastCheckpoint"}}));
    let stopped = |status: &FlinkRolloutStatus| {
        matches!(status.stage, Stage::Deploy | Stage::Verify | Stage::Monitor) || status.result.is_some()
    };
    orders.wait_for_status(name, "the old job stopped", stopped).await;
    fs::remove_file(&fault).unwrap();
    let status = orders.wait_until_settled(name).await;
    assert_eq!(status.result.unwrap().kind, ResultKind::Succeeded, "{}", status.message);
    let point = status.restore_point.unwrap();
    assert_eq!(point.kind, RestorePointKind::Checkpoint);
    let job = status.job.unwrap();
    assert_eq!(job.start_path.as_ref(), Some(&point.path));
    assert!(same_path(&point.path, text(&last, "/latest/completed/external_path")), "{}: {last}", point.path);
    // Only what the old job committed after the checkpoint is doubled.
    let start = RecordLedger::start_numbers(orders, &job.job_id);
    ledger.count_after_start_at(&start, orders, &job.job_id).await;
    scene.wait_for_thread(name, "*Succeeded* in").await;
}
