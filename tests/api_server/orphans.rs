//! Pods and ReplicaSets that a deleted Deployment left behind, with the real controllers.

use lockkeeper::cluster::read_workload;
use serde_json::{Value, json};

use crate::bot_client::bot_client;
use crate::support::{
    bot::DEADLINE,
    sandbox::{Namespace, Sandbox, eventually},
};

fn deployment() -> Value {
    let labels = json!({"app": "left"});
    // Its pods never start. For this test they only have to exist.
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "left"},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
            "containers": [{"name": "main", "image": "registry.invalid/none:1", "imagePullPolicy": "Never"}]}}},
    })
}

/// Waits until the namespace has this many pods.
async fn wait_for_pods(sandbox: &Sandbox, namespace: &Namespace, wanted: usize) {
    eventually(&format!("{wanted} pods"), DEADLINE * 2, || {
        let names = sandbox.kubectl(&["-n", &namespace.name, "get", "pods", "-o", "name"]);
        (names.lines().count() == wanted).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orphaned_pods_of_a_deleted_deployment_are_not_gone() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("orphans");
    let client = bot_client(&sandbox).await;
    let read = || async { read_workload(&client, &namespace.name, "left", None).await.unwrap() };
    let delete = |what: &[&str]| {
        let mut arguments = vec!["-n", namespace.name.as_str(), "delete", "--cascade=orphan"];
        arguments.extend(what);
        sandbox.kubectl(&arguments);
    };
    assert!(read().await.pods_gone().is_some(), "there are no pods yet");
    sandbox.apply(&namespace.name, &deployment());
    wait_for_pods(&sandbox, &namespace, 1).await;

    delete(&["deployment", "left"]);
    let orphaned = read().await;
    assert_eq!((orphaned.replica_sets.len(), orphaned.pods.len()), (1, 1));
    assert!(orphaned.deployment.is_none() && orphaned.pods_gone().is_none());
    assert_eq!(orphaned.orphaned_replica_sets().count(), 1);

    delete(&["replicaset", "--all"]);
    let alone = read().await;
    assert_eq!((alone.replica_sets.len(), alone.pods.len()), (0, 1));
    assert!(alone.pods_gone().is_none());

    delete(&["pods", "--all", "--wait=false"]);
    wait_for_pods(&sandbox, &namespace, 0).await;
    assert!(read().await.pods_gone().is_some());
}
