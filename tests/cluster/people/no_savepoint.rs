//! An application that can take no savepoint: left alone with other choices, or moved on from its last checkpoint.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use lockkeeper::{
    api::{FlinkRolloutStatus, RestorePointKind, ResultKind, Stage, StartFromKind},
    flink::same_path,
};
use serde_json::json;

use super::Scene;
use crate::support::{application::text, ledger::Ledger, sandbox::eventually};

pub(super) async fn chain(scene: &Scene, ledger: &mut Ledger) {
    scene.orders.change(&json!({"approvals": {"required": 0}}));
    scene.untouched("a savepoint directory that cannot be written", directory_below_a_file(scene)).await;
    cannot_checkpoint(scene, ledger).await;
}

async fn directory_below_a_file(scene: &Scene) {
    let orders = &scene.orders;
    let file = orders.data.join("plain-file");
    fs::write(&file, "not a folder").unwrap();
    let directory =
        |folder: &str| json!({"savepoint": {"directory": format!("file://{}/{folder}", orders.data.display())}});
    orders.change(&directory("plain-file/savepoints"));
    orders.ask("no-folder", json!({"kind": "Deploy", "version": "1.1.0"}));
    let result = orders.settled("no-folder").await.result.unwrap();
    assert_eq!(result.kind, ResultKind::Untouched, "{}", result.message);
    assert!(result.message.starts_with("no savepoint, and the job runs on: "), "{}", result.message);
    let offered: Vec<StartFromKind> = result.choices.iter().map(|choice| choice.start_from.from).collect();
    assert!(offered.contains(&StartFromKind::LastCheckpoint), "{:?}", result.choices);
    scene.thread_with("no-folder", "A new rollout could start from:").await;
    orders.change(&directory("savepoints"));
}

/// Neither checkpoint nor savepoint completes any more: 1.1.0 goes on from the last one that did.
async fn cannot_checkpoint(scene: &Scene, ledger: &mut Ledger) {
    println!("==== a job that cannot checkpoint");
    let orders = &scene.orders;
    let faults = orders.data.join("faults");
    fs::create_dir_all(&faults).unwrap();
    fs::set_permissions(&faults, fs::Permissions::from_mode(0o777)).unwrap();
    let fault = faults.join("no-checkpoints");
    fs::write(&fault, "").unwrap();
    scene
        .untouched("a savepoint that fails", async {
            orders.ask("no-checkpoints", json!({"kind": "Deploy", "version": "1.1.0"}));
            let result = orders.settled("no-checkpoints").await.result.unwrap();
            assert_eq!(result.kind, ResultKind::Untouched, "{}", result.message);
        })
        .await;

    let checkpoints = format!("/jobs/{}/checkpoints", ledger.job());
    let last = eventually("Flink's checkpoints", Duration::from_secs(120), || orders.flink(&checkpoints)).await;
    let name = "last-checkpoint";
    orders.ask(name, json!({"kind": "Deploy", "version": "1.1.0", "startFrom": {"from": "LastCheckpoint"}}));
    let stopped = |status: &FlinkRolloutStatus| {
        matches!(status.stage, Stage::Deploy | Stage::Verify | Stage::Monitor) || status.result.is_some()
    };
    orders.shows(name, "the old job stopped", stopped).await;
    fs::remove_file(&fault).unwrap();
    let status = orders.settled(name).await;
    assert_eq!(status.result.unwrap().kind, ResultKind::Succeeded, "{}", status.message);
    let point = status.restore_point.unwrap();
    assert_eq!(point.kind, RestorePointKind::Checkpoint);
    let job = status.job.unwrap();
    assert_eq!(job.start_path.as_ref(), Some(&point.path));
    assert!(same_path(&point.path, text(&last, "/latest/completed/external_path")), "{}: {last}", point.path);
    // What the old job committed after the checkpoint is there twice, and nothing else.
    let seen = Ledger::start_of(orders, &job.job_id);
    ledger.went_on_from(orders, &job.job_id, &seen).await;
    scene.thread_with(name, "*Succeeded* in").await;
}
