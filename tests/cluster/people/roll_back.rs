//! Roll back after success: carry and rewind, to the previous revision and to an older one.

use lockkeeper::api::{FlinkRolloutStatus, ResultKind};
use serde_json::{Value, json};

use super::Scene;
use crate::support::{application::text, ledger::Ledger, records::Numbers};

pub(super) async fn chain(scene: &Scene, ledger: &mut Ledger) {
    let orders = &scene.orders;
    assert_eq!(orders.status()["version"], "1.1.0");
    let seen = carry(scene, ledger).await;
    rewind(scene, ledger, &seen).await;
    only_the_task_manager(scene, ledger).await;
}

/// Asks by command and waits for success.
async fn commanded(scene: &Scene, line: &str) -> FlinkRolloutStatus {
    println!("==== {line}");
    let name = scene.orders.command(&scene.slack, line).await;
    let status = succeeded(scene, &name).await;
    scene.thread_with(&name, "*Succeeded* in").await;
    status
}

async fn succeeded(scene: &Scene, name: &str) -> FlinkRolloutStatus {
    let status = scene.orders.settled(name).await;
    assert_eq!(status.result.as_ref().map(|result| result.kind), Some(ResultKind::Succeeded), "{}", status.message);
    status
}

fn images(scene: &Scene) -> [String; 2] {
    ["jobmanager", "taskmanager"]
        .map(|component| text(&scene.orders.deployment(component), "/spec/template/spec/containers/0/image").to_owned())
}

/// The previous version runs again with the state of now. What its savepoint had seen.
async fn carry(scene: &Scene, ledger: &mut Ledger) -> Numbers {
    let status = commanded(scene, "/flink rollback orders carry").await;
    let seen = ledger.committed(&scene.orders);
    assert_eq!(scene.orders.status()["version"], "1.0.0");
    assert_eq!(images(scene), ["sandbox.invalid/orders:1.0.0"; 2]);
    let job = status.job.unwrap();
    assert_eq!(job.start_path, status.restore_point.map(|point| point.path));
    ledger.went_on(&scene.orders, &job.job_id).await;
    seen
}

/// The revision before runs again with the state that the current one started with: what that one committed comes twice.
async fn rewind(scene: &Scene, ledger: &mut Ledger, seen: &Numbers) {
    let known = scene.orders.status();
    let older = known["restorePoints"].as_array().unwrap().last().unwrap().clone();
    let status = commanded(scene, "/flink rollback orders rewind").await;
    assert_eq!(images(scene), ["sandbox.invalid/orders:1.1.0"; 2]);
    let job = status.job.unwrap();
    assert_eq!(job.start_path.as_deref(), Some(text(&older, "/path")));
    let own = status.restore_point.unwrap();
    assert_ne!(own.path, text(&older, "/path"), "it took a restore point of its own");
    let counted = ledger.went_on_from(&scene.orders, &job.job_id, seen).await;
    assert!(counted.doubled > 0, "{counted:?}");
}

/// A change of the TaskManagers alone goes in, and comes back by the number of an older revision.
async fn only_the_task_manager(scene: &Scene, ledger: &mut Ledger) {
    println!("==== where only the TaskManagers differ");
    let orders = &scene.orders;
    let older = orders.status()["revisions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|known| known["version"] == "1.1.0")
        .unwrap()["number"]
        .clone();
    let cpu = |scene: &Scene| {
        let path = "/spec/template/spec/containers/0/resources/requests/cpu";
        ["jobmanager", "taskmanager"].map(|component| text(&scene.orders.deployment(component), path).to_owned())
    };
    orders.change(&json!({"values": {"taskManager": {"resources": {"requests": {"cpu": "120m"}}}}}));
    orders.ask("task-managers", json!({"kind": "Deploy", "version": "1.1.0"}));
    let status = succeeded(scene, "task-managers").await;
    assert_eq!(cpu(scene), ["100m", "120m"]);
    ledger.went_on(orders, &status.job.unwrap().job_id).await;
    assert_ne!(orders.status()["revision"], older);

    orders.ask("task-managers-back", json!({"kind": "RollBack", "revision": older}));
    let status = succeeded(scene, "task-managers-back").await;
    assert_eq!(cpu(scene), ["100m", "100m"]);
    ledger.went_on(orders, &status.job.unwrap().job_id).await;
    orders.change(&json!({"values": {"taskManager": Value::Null}}));
}
