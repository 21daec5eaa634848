//! Somebody else changes what a rollout wrote, or holds the leadership that it wants to clear.

use lockkeeper::api::{Direction, FlinkRolloutStatus, ResultKind, Stage};
use serde_json::{Value, json};

use super::{deploy, expect_end, wait_in};
use crate::scene::Scene;
use crate::support::{kubernetes_users::RITA, record_ledger::RecordLedger};

const OTHER: &str = "app=other-jobmanager";

/// The rollout halts and names who changed it. A person lets it go back.
pub(super) async fn changes_the_template_in_the_watch(scene: &Scene, ledger: &mut RecordLedger) {
    let (orders, name) = (&scene.orders, "foreign-change");
    deploy(scene, name, "1.1.0", &json!({}));
    let watched =
        |status: &FlinkRolloutStatus| status.watch.as_ref().is_some_and(|watch| watch.watching_since.is_some());
    wait_in(scene, name, (Direction::Forward, Stage::Monitor), watched).await;
    orders.kubectl(&["set", "env", "deployment/orders-taskmanager", "ORDERS_REGION=south"]);
    let status = orders.wait_until_settled(name).await;
    let halt = status.halt.unwrap_or_else(|| panic!("{name} did not halt: {}", status.message));
    assert!(!halt.parked && halt.message.contains("kubectl-set"), "{}", halt.message);
    let rollout = orders.get_rollout(name);
    assert_eq!(rollout.pointer("/status/halt/kind"), Some(&json!("ForeignChange")), "{}", halt.message);
    orders.decide(RITA, name, json!({"kind": "RollBack"})).unwrap();
    expect_end(scene, ledger, name, ResultKind::RolledBack).await;
}

/// At Deploy the rollout turns back. On the way back, the ReplicaSets of the previous version stand in for its record.
pub(super) async fn replaces_the_records_after_the_stop(scene: &Scene, ledger: &mut RecordLedger) {
    let (orders, name) = (&scene.orders, "swapped");
    let before = orders.get_deployment("jobmanager");
    deploy(scene, name, "1.1.0", &json!({}));
    let status = wait_in(scene, name, (Direction::Forward, Stage::Stop), |_| true).await;
    orders.swap_record(status.revision.unwrap());
    orders.swap_record(status.plan.unwrap().previous_revision.unwrap());
    let status = expect_end(scene, ledger, name, ResultKind::RolledBack).await;
    // While it is replaced, it is missing for a moment.
    assert!(status.message.contains("the revision record"), "{}", status.message);
    orders.assert_nothing_smuggled();
    let image = |deployment: &Value| deployment.pointer("/spec/template/spec/containers/0/image").cloned();
    assert_eq!(image(&orders.get_deployment("jobmanager")), image(&before));
    let events = orders.kubectl(&["get", "events", "-o", "jsonpath={.items[*].message}"]);
    assert!(events.contains("Only the two Deployments are brought back"), "people are told: {events}");
}

/// A JobManager of another Deployment has the same HA ids. It leads when ours has stopped. Its metadata is not cleared, which would end
/// it, and nothing is started beside it.
pub(super) async fn leads_under_another_name(scene: &Scene) {
    let (orders, name) = (&scene.orders, "another-leader");
    orders.apply(&other_job_manager(scene));
    orders.kubectl(&["rollout", "status", "deployment/other-jobmanager", "--timeout=120s"]);
    deploy(scene, name, "1.0.0", &json!({}));
    let status = orders.wait_until_settled(name).await;
    let halt = status.halt.unwrap_or_else(|| panic!("{name} did not halt: {}", status.message));
    assert!(!halt.parked, "{}", halt.message);
    assert!(!orders.ha_config_maps().is_empty(), "the metadata of a leader that lives was cleared");
    let pods: Value = serde_json::from_str(&orders.kubectl(&["get", "pods", "-l", OTHER, "-o", "json"])).unwrap();
    let restarts = pods.pointer("/items/0/status/containerStatuses/0/restartCount");
    assert_eq!(restarts, Some(&json!(0)), "the leader ended: {}", halt.message);
    orders.kubectl(&["delete", "deployment", "other-jobmanager", "--wait=true"]);
    orders.decide(RITA, name, json!({"kind": "GiveUp"})).unwrap();
    let status = orders.wait_for_status(name, "its end", |status| status.result.is_some()).await;
    assert_eq!(status.result.unwrap().kind, ResultKind::Abandoned, "{}", status.message);
}

/// The JobManager's Deployment under another name and with other labels. It waits for the leadership without being Ready.
fn other_job_manager(scene: &Scene) -> Value {
    let ours = scene.orders.get_deployment("jobmanager");
    let labels = json!({"app": "other-jobmanager"});
    let mut template = ours.pointer("/spec/template").unwrap().clone();
    template["metadata"] = json!({ "labels": labels });
    template["spec"]["containers"][0].as_object_mut().unwrap().remove("readinessProbe");
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "other-jobmanager"},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    })
}
