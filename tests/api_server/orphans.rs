//! Pods and ReplicaSets that a deleted Deployment left behind, with the real controllers.

use lockkeeper::{api::PerComponent, cluster::read_workloads};
use serde_json::{Value, json};

use crate::bot_client::bot_client;
use crate::support::{
    bot::DEADLINE,
    sandbox::{Namespace, Sandbox, eventually},
};

fn deployment(app: &str, replicas: u32) -> Value {
    let labels = json!({ "app": app });
    // Its pods never start. For this test they only have to exist.
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "left"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
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
    let names = PerComponent { job_manager: "left", task_manager: "none" };
    let read = || async { read_workloads(&client, &namespace.name, names, None).await.unwrap().job_manager };
    let delete = |what: &[&str]| {
        let mut arguments = vec!["-n", namespace.name.as_str(), "delete", "--cascade=orphan"];
        arguments.extend(what);
        sandbox.kubectl(&arguments);
    };
    assert!(read().await.pods_gone().is_some(), "there are no pods yet");
    sandbox.apply(&namespace.name, &deployment("left", 1));
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

/// Its selector does not find what the deleted Deployment of the same name left behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_that_the_selector_of_a_recreated_deployment_misses_are_not_gone() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("recreated");
    let client = bot_client(&sandbox).await;
    let names = PerComponent { job_manager: "left", task_manager: "none" };
    let read = || async { read_workloads(&client, &namespace.name, names, None).await.unwrap().job_manager };
    sandbox.apply(&namespace.name, &deployment("left", 1));
    wait_for_pods(&sandbox, &namespace, 1).await;
    assert_eq!(read().await.pods.len(), 1, "its own selector finds it");

    sandbox.kubectl(&["-n", &namespace.name, "delete", "--cascade=orphan", "deployment", "left"]);
    sandbox.apply(&namespace.name, &deployment("other", 0));
    let recreated = read().await;
    assert_eq!((recreated.replicas(), recreated.pods.len()), (0, 1));
    assert_eq!(recreated.orphaned_replica_sets().count(), 1);
    assert!(recreated.pods_gone().is_none());

    // A person takes the pod out of the ReplicaSet and of every selector. It still runs.
    sandbox.kubectl(&["-n", &namespace.name, "delete", "--cascade=orphan", "replicaset", "--all"]);
    sandbox.kubectl(&["-n", &namespace.name, "label", "pods", "--all", "--overwrite", "app=debug"]);
    let relabelled = read().await;
    assert_eq!(relabelled.live_pods().count(), 1);
    assert!(relabelled.pods_gone().is_none());
}
