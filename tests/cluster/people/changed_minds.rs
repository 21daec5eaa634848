//! A person stops a rollout on its way: what ran before runs again, and nothing is lost.

use lockkeeper::api::{Direction, FlinkRolloutStatus, ResultKind, Stage};
use serde_json::json;

use super::Scene;
use crate::support::{kubernetes_users::RITA, ledger::Ledger};

/// Each is a whole rollout and its way back.
const ATTEMPTS: usize = 3;

pub(super) async fn chain(scene: &Scene, ledger: &mut Ledger) {
    let during = |status: &FlinkRolloutStatus| {
        status.operations.iter().any(|operation| operation.name.ends_with("/stop-with-savepoint"))
    };
    let mut heard = Vec::new();
    // A savepoint may be through before kubectl has said its word.
    while heard.len() < ATTEMPTS && !heard.contains(&Stage::Savepoint) {
        let name = format!("aborted-in-the-savepoint-{}", heard.len() + 1);
        heard.push(aborted(scene, ledger, &name, during).await);
    }
    assert!(heard.contains(&Stage::Savepoint), "{heard:?}");
    let after = |status: &FlinkRolloutStatus| matches!(status.stage, Stage::Deploy | Stage::Verify);
    let stage = aborted(scene, ledger, "aborted-after-the-stop", after).await;
    assert!(matches!(stage, Stage::Deploy | Stage::Verify), "{stage}");
    deleted_after_the_stop(scene, ledger).await;
}

/// Rita aborts a rollout as soon as it shows something; the stage that heard of it.
async fn aborted(scene: &Scene, ledger: &mut Ledger, name: &str, when: impl Fn(&FlinkRolloutStatus) -> bool) -> Stage {
    println!("==== {name}");
    let orders = &scene.orders;
    orders.ask(name, json!({"kind": "Deploy", "version": "1.0.0"}));
    orders.shows(name, "the moment", |status| when(status) || status.result.is_some()).await;
    orders.decide(RITA, name, json!({"kind": "Abort"})).unwrap();
    let status = orders.settled(name).await;
    assert_eq!(status.result.unwrap().kind, ResultKind::RolledBack, "{}", status.message);
    let failure = status.failure.unwrap();
    assert_eq!(failure.message, "aborted by kubernetes:rita");
    let job = status.job.unwrap();
    assert_eq!(job.start_path, status.restore_point.map(|point| point.path));
    ledger.went_on(orders, &job.job_id).await;
    scene.thread_with(name, "*RolledBack* in").await;
    failure.stage
}

/// `kubectl delete` after the stop goes back first; only then the object goes.
async fn deleted_after_the_stop(scene: &Scene, ledger: &mut Ledger) {
    println!("==== deleted after the stop");
    let (orders, name) = (&scene.orders, "deleted-after-the-stop");
    orders.ask(name, json!({"kind": "Deploy", "version": "1.0.0"}));
    orders.shows(name, "a stage after the stop", |status| status.stage == Stage::ClearHa).await;
    let namespace = orders.namespace.name.as_str();
    orders.sandbox.kubectl(&["-n", namespace, "delete", "flinkrollout", name, "--wait=false"]);
    let back = orders.shows(name, "that it turned back", |status| {
        status.direction == Direction::Back && status.stage == Stage::Monitor
    });
    let status = back.await;
    assert_eq!(status.failure.unwrap().message, "deleted");
    orders.gone(name).await;
    let known = orders.status();
    assert_eq!(known.get("activeRollout"), None, "the claim is released");
    assert_eq!(known["version"], "1.1.0");
    assert_eq!(known["restorePoints"].as_array().unwrap().last().unwrap()["name"], name);
    ledger.went_on(orders, &status.job.unwrap().job_id).await;
}
