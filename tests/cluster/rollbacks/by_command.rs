//! Rollbacks by command after success: carry and rewind, to the previous revision and to an older one.

use lockkeeper::api::{FlinkRolloutStatus, ResultKind};
use serde_json::{Value, json};

use crate::scene::Scene;
use crate::support::{application::text, record_ledger::RecordLedger, records::Numbers};

pub(super) async fn chain(scene: &Scene, ledger: &mut RecordLedger) {
    let orders = &scene.orders;
    assert_eq!(orders.get_status()["version"], "1.1.0");
    let start = carry(scene, ledger).await;
    rewind(scene, ledger, &start).await;
    change_only_the_task_managers(scene, ledger).await;
}

/// Asks by a Slack command and waits for success.
async fn run_to_success(scene: &Scene, line: &str) -> FlinkRolloutStatus {
    println!("==== {line}");
    let name = scene.orders.start_rollout(&scene.slack, line).await;
    let status = wait_for_success(scene, &name).await;
    scene.wait_for_thread(&name, "*Succeeded* in").await;
    status
}

async fn wait_for_success(scene: &Scene, name: &str) -> FlinkRolloutStatus {
    let status = scene.orders.wait_until_settled(name).await;
    assert_eq!(status.result.as_ref().map(|result| result.kind), Some(ResultKind::Succeeded), "{}", status.message);
    status
}

fn images(scene: &Scene) -> [String; 2] {
    ["jobmanager", "taskmanager"].map(|component| {
        text(&scene.orders.get_deployment(component), "/spec/template/spec/containers/0/image").to_owned()
    })
}

/// The previous version runs again with the current state. Returns the numbers that the savepoint contains.
async fn carry(scene: &Scene, ledger: &mut RecordLedger) -> Numbers {
    let status = run_to_success(scene, "/flink rollback orders carry").await;
    let start = ledger.committed_numbers(&scene.orders);
    assert_eq!(scene.orders.get_status()["version"], "1.0.0");
    assert_eq!(images(scene), ["sandbox.invalid/orders:1.0.0"; 2]);
    let job = status.job.unwrap();
    assert_eq!(job.start_path, status.restore_point.map(|point| point.path));
    ledger.count_after(&scene.orders, &job.job_id).await;
    start
}

/// The previous revision runs again with the state that the current one started with. So what that one committed is doubled.
async fn rewind(scene: &Scene, ledger: &mut RecordLedger, start: &Numbers) {
    let older = scene.orders.get_status()["restorePoints"].as_array().unwrap().last().unwrap().clone();
    let status = run_to_success(scene, "/flink rollback orders rewind").await;
    assert_eq!(images(scene), ["sandbox.invalid/orders:1.1.0"; 2]);
    let job = status.job.unwrap();
    assert_eq!(job.start_path.as_deref(), Some(text(&older, "/path")));
    let own = status.restore_point.unwrap();
    assert_ne!(own.path.as_str(), text(&older, "/path"), "it took a restore point of its own");
    let counted = ledger.count_after_start_at(start, &scene.orders, &job.job_id).await;
    assert!(counted.doubled > 0, "{counted:?}");
}

/// A change of the TaskManagers alone is deployed, and rolled back by the number of an older revision.
async fn change_only_the_task_managers(scene: &Scene, ledger: &mut RecordLedger) {
    println!("==== where only the TaskManagers differ");
    let orders = &scene.orders;
    let older = orders.get_status()["revisions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|revision| revision["version"] == "1.1.0")
        .unwrap()["number"]
        .clone();
    let cpu = |scene: &Scene| {
        let path = "/spec/template/spec/containers/0/resources/requests/cpu";
        ["jobmanager", "taskmanager"].map(|component| text(&scene.orders.get_deployment(component), path).to_owned())
    };
    orders.patch_spec(&json!({"values": {"taskManager": {"resources": {"requests": {"cpu": "120m"}}}}}));
    orders.request_rollout("task-managers", json!({"kind": "Deploy", "version": "1.1.0"}));
    let status = wait_for_success(scene, "task-managers").await;
    assert_eq!(cpu(scene), ["100m", "120m"]);
    ledger.count_after(orders, &status.job.unwrap().job_id).await;
    assert_ne!(orders.get_status()["revision"], older);

    orders.request_rollout("task-managers-back", json!({"kind": "RollBack", "revision": older}));
    let status = wait_for_success(scene, "task-managers-back").await;
    assert_eq!(cpu(scene), ["100m", "100m"]);
    ledger.count_after(orders, &status.job.unwrap().job_id).await;
    orders.patch_spec(&json!({"values": {"taskManager": Value::Null}}));
}
