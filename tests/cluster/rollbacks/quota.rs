//! A quota that keeps an application without pods. Nobody is at fault, so nothing is parked: what ran before starts when it goes.

use std::time::Duration;

use lockkeeper::api::{Direction, FlinkRolloutStatus, ResultKind, Stage};
use serde_json::json;

use crate::scene::Scene;
use crate::support::{kubernetes_users::RITA, record_ledger::RecordLedger, sandbox::eventually};

/// How a message names the quota.
pub(super) const EXCEEDED: &str = "exceeded quota: no-pods";

/// From now on no new pod is created, until [`remove`].
pub(super) async fn create(scene: &Scene) {
    scene.orders.kubectl(&["create", "quota", "no-pods", "--hard=pods=0"]);
    eventually("the quota is in force", Duration::from_secs(120), || {
        scene.orders.get("resourcequota/no-pods").pointer("/status/hard/pods").map(drop)
    })
    .await;
}

pub(super) fn remove(scene: &Scene) {
    scene.orders.kubectl(&["delete", "quota", "no-pods"]);
}

/// Asks for 1.0.0 and waits until its start waits for the quota.
pub(super) async fn start_without_pods(scene: &Scene, name: &str) -> FlinkRolloutStatus {
    println!("==== {name}");
    create(scene).await;
    scene.orders.request_rollout(name, json!({"kind": "Deploy", "version": "1.0.0"}));
    let waits = |status: &FlinkRolloutStatus| {
        status.stage == Stage::Verify && status.message.contains(EXCEEDED) || status.result.is_some()
    };
    let status = scene.orders.wait_for_status(name, "that it waits for the quota", waits).await;
    assert_eq!((status.direction, &status.result, &status.halt), (Direction::Forward, &None, &None));
    status
}

/// The way back cannot start in time. It halts with its replicas, and goes on by itself when the quota is gone.
pub(super) async fn released_late(scene: &Scene, ledger: &mut RecordLedger) {
    let (orders, name) = (&scene.orders, "quota-released-late");
    start_without_pods(scene, name).await;
    orders.decide(RITA, name, json!({"kind": "RollBack"})).unwrap();
    let status = orders.wait_until_settled(name).await;
    let halt = status.halt.unwrap_or_else(|| panic!("{name} did not halt: {}", status.message));
    assert!(!halt.parked && halt.message.contains(EXCEEDED), "{}", halt.message);
    let rollout = orders.get_rollout(name);
    assert_eq!(rollout.pointer("/status/halt/kind"), Some(&json!("NotStarted")), "{}", halt.message);
    for component in ["jobmanager", "taskmanager"] {
        let deployment = orders.get_deployment(component);
        assert_ne!(deployment.pointer("/spec/replicas"), Some(&json!(0)), "{component} stays at its replicas");
    }
    remove(scene);
    let status = orders.wait_for_status(name, "its end", |status| status.result.is_some()).await;
    assert_eq!(status.result.unwrap().kind, ResultKind::RolledBack, "{}", status.message);
    ledger.count_after(orders, &status.job.unwrap().job_id).await;
}
