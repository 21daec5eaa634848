//! Probes that users define, and replicas that an autoscaler owns.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};

use super::restored::{Workload, wait_until_restored};
use crate::{
    scene::Scene,
    support::{
        application::{Application, text},
        record_ledger::RecordLedger,
        sandbox::eventually,
    },
};

const ENDPOINTS_TIMEOUT: Duration = Duration::from_secs(120);

/// A Service in front of the JobManager of one version. While another version runs, it has no endpoints.
fn health_service(version: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "orders-health"},
        "spec": {
            "selector": {
                "app.kubernetes.io/instance": "orders", "app.kubernetes.io/component": "jobmanager",
                "app.kubernetes.io/version": version,
            },
            "ports": [{"port": 80, "targetPort": 8081}],
        },
    })
}

/// Adds three probes that hold for 1.1.0.
pub(super) fn add_holding_probes(orders: &Application) {
    orders.apply(&health_service("1.1.0"));
    orders.patch_spec(&json!({"monitor": {"probes": [
        {"name": "rest answers", "failuresAllowed": 2, "http": {"service": "orders-rest", "port": 8081, "path": "/overview", "expect": 200}},
        {"name": "counts add up", "failuresAllowed": 2, "flinkMetric": {"vertex": "count", "name": "count.sequenceBreaks", "op": "==", "value": 0.0}},
        {"name": "shop is healthy", "failuresAllowed": 2, "http": {"service": "orders-health", "port": 80, "path": "/overview"}},
    ]}}));
}

pub(super) fn assert_probes_held(rollout: &Value) {
    let failures = rollout.pointer("/status/watch/probeFailures").unwrap().as_object().unwrap();
    let names: BTreeSet<&str> = failures.keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["rest answers", "counts add up", "shop is healthy"]));
    assert!(failures.values().all(|count| count.as_u64().is_some_and(|count| count <= 2)), "{failures:?}");
}

pub(super) fn remove_probes(orders: &Application) {
    orders.patch_spec(&json!({"monitor": {"probes": []}}));
}

/// The probe fails for 1.0.0, and then for 1.1.0 too. So 1.1.0 is left running and the rollout halts until the probe holds again.
/// The autoscaler's count of TaskManagers stays.
pub(super) async fn failing_before_and_after(scene: &Scene, ledger: &mut RecordLedger) {
    println!("==== a failing probe");
    let (orders, slack) = (&scene.orders, &scene.slack);
    orders.kubectl(&[
        "autoscale",
        "deployment",
        "orders-taskmanager",
        "--name=scaler",
        "--min=1",
        "--max=4",
        "--cpu=80%",
    ]);
    orders.apply(&health_service("9.9.9"));
    let shop = json!({"name": "shop is healthy", "failuresAllowed": 1, "http": {"service": "orders-health", "port": 80, "path": "/overview"}});
    orders.patch_spec(&json!({"monitor": {"probes": [shop]}}));
    let before = Workload::read(scene);

    let (halted, thread) = orders.deploy_with_approval(slack, "1.0.0").await;
    let name = text(&halted, "/metadata/name").to_owned();
    assert_eq!(text(&halted, "/status/phase"), "Halted", "{thread}");
    let replicas = before.deployments[1].pointer("/spec/replicas");
    assert_eq!(halted.pointer("/status/plan/target/taskManagerReplicas"), replicas, "1.0.0 itself says 1");
    assert!(thread.contains("HorizontalPodAutoscaler scaler owns the count, 1 to 4"), "{thread}");
    for words in ["the probe shop is healthy failed", "It is left running"] {
        assert!(thread.contains(words), "no {words:?} in\n{thread}");
    }
    assert_eq!(orders.query_flink("/jobs/overview").unwrap()["jobs"][0]["state"], "RUNNING");

    orders.apply(&health_service("1.1.0"));
    wait_until_healthy(orders).await;
    orders.press_on_card(slack, &name, "Resume", "rollout.resume").await;
    wait_until_restored(scene, ledger, &name, &before).await;
    remove_probes(orders);
    orders.kubectl(&["delete", "hpa", "scaler"]);
}

/// Waits until the probed Service answers. Its endpoints appear some time after it was changed.
async fn wait_until_healthy(orders: &Application) {
    let path = format!("/api/v1/namespaces/{}/services/orders-health:80/proxy/overview", orders.namespace.name);
    eventually("the shop is healthy", ENDPOINTS_TIMEOUT, || {
        orders.sandbox.try_kubectl(&["get", "--raw", &path], None).ok()
    })
    .await;
}
