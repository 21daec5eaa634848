//! A person aborts or deletes a rollout during or after the stop: what ran before runs again, and no record is lost.

use lockkeeper::api::{Direction, FlinkRolloutStatus, ResultKind, Stage};
use serde_json::json;

use crate::scene::Scene;
use crate::support::{kubernetes_users::RITA, record_ledger::RecordLedger};

/// Each attempt is a whole rollout and its rollback.
const MAX_ATTEMPTS: usize = 3;

pub(super) async fn chain(scene: &Scene, ledger: &mut RecordLedger) {
    let during = |status: &FlinkRolloutStatus| {
        status.operations.iter().any(|operation| operation.name.ends_with("/stop-with-savepoint"))
    };
    let mut aborted_in = Vec::new();
    // The savepoint may complete before kubectl has written the decision.
    while aborted_in.len() < MAX_ATTEMPTS && !aborted_in.contains(&Stage::Savepoint) {
        let name = format!("aborted-in-the-savepoint-{}", aborted_in.len() + 1);
        aborted_in.push(abort_when(scene, ledger, &name, during).await);
    }
    assert!(aborted_in.contains(&Stage::Savepoint), "{aborted_in:?}");
    let after = |status: &FlinkRolloutStatus| matches!(status.stage, Stage::Deploy | Stage::Verify);
    let stage = abort_when(scene, ledger, "aborted-after-the-stop", after).await;
    assert!(matches!(stage, Stage::Deploy | Stage::Verify), "{stage}");
    delete_after_the_stop(scene, ledger).await;
}

/// Rita aborts a rollout as soon as its status meets a condition. Returns the stage in which the bot read the decision.
async fn abort_when(
    scene: &Scene,
    ledger: &mut RecordLedger,
    name: &str,
    when: impl Fn(&FlinkRolloutStatus) -> bool,
) -> Stage {
    println!("==== {name}");
    let orders = &scene.orders;
    orders.request_rollout(name, json!({"kind": "Deploy", "version": "1.0.0"}));
    orders.wait_for_status(name, "the moment", |status| when(status) || status.result.is_some()).await;
    orders.decide(RITA, name, json!({"kind": "Abort"})).unwrap();
    let status = orders.wait_until_settled(name).await;
    assert_eq!(status.result.unwrap().kind, ResultKind::RolledBack, "{}", status.message);
    let failure = status.failure.unwrap();
    assert_eq!(failure.message, "aborted by kubernetes:rita");
    let job = status.job.unwrap();
    assert_eq!(job.start_path, status.restore_point.map(|point| point.path));
    ledger.count_after(orders, &job.job_id).await;
    scene.wait_for_thread(name, "*RolledBack* in").await;
    failure.stage
}

/// After the stop `kubectl delete` rolls back first. Only then the object is deleted.
async fn delete_after_the_stop(scene: &Scene, ledger: &mut RecordLedger) {
    println!("==== deleted after the stop");
    let (orders, name) = (&scene.orders, "deleted-after-the-stop");
    orders.request_rollout(name, json!({"kind": "Deploy", "version": "1.0.0"}));
    orders.wait_for_status(name, "a stage after the stop", |status| status.stage == Stage::ClearHa).await;
    orders.kubectl(&["delete", "flinkrollout", name, "--wait=false"]);
    let back = orders.wait_for_status(name, "that it turned back", |status| {
        status.direction == Direction::Back && status.stage == Stage::Monitor
    });
    let status = back.await;
    assert_eq!(status.failure.unwrap().message, "deleted");
    orders.wait_until_deleted(name).await;
    let application = orders.get_status();
    assert_eq!(application.get("activeRollout"), None, "the claim is released");
    assert_eq!(application["version"], "1.1.0");
    assert_eq!(application["restorePoints"].as_array().unwrap().last().unwrap()["name"], name);
    ledger.count_after(orders, &status.job.unwrap().job_id).await;
}
