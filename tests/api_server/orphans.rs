//! What the cluster's writes and proofs make of what is there already, against the real API server and its controllers.

use kube::core::DynamicObject;
use lockkeeper::cluster::{Writer, read_workload};
use serde_json::{Value, json};

use crate::support::{
    bot::DEADLINE,
    sandbox::{Namespace, Sandbox, eventually},
};

async fn client(sandbox: &Sandbox) -> kube::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    kube::Client::try_from(sandbox.bot_config().await).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_created_before_is_there_however_the_chart_writes_it() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("twice");
    let writer = Writer::new(client(&sandbox).await, &namespace.name);
    let objects = json!([
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "plain"}, "immutable": true, "data": {"key": "bm9uZQ=="}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "text"}, "immutable": true, "stringData": {"key": "none"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "lines"}, "immutable": true, "data": {"key": "bm9u\nZQ==\n"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "none"}, "immutable": true, "type": "", "data": null},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "none"}, "immutable": true, "data": null},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "empty"}, "immutable": true, "data": {"key": null}},
    ]);
    for object in serde_json::from_value::<Vec<DynamicObject>>(objects).unwrap() {
        writer.create_immutable(&object, false).await.unwrap();
        writer.create_immutable(&object, false).await.unwrap();
        let mut other = object.clone();
        other.data["data"] = json!({"key": "b3RoZXI="});
        other.data.as_object_mut().unwrap().remove("stringData");
        let refused = writer.create_immutable(&other, false).await.unwrap_err().to_string();
        assert!(refused.contains("it exists with other content"), "{refused}");
    }
}

fn deployment() -> Value {
    let labels = json!({"app": "left"});
    // No pod of it ever starts: being there is enough.
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "left"},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
            "containers": [{"name": "main", "image": "registry.invalid/none:1", "imagePullPolicy": "Never"}]}}},
    })
}

/// Waits until this many pods are there; the name of one.
async fn pods(sandbox: &Sandbox, namespace: &Namespace, wanted: usize) -> Option<String> {
    eventually(&format!("{wanted} pods"), DEADLINE * 2, || {
        let names = sandbox.kubectl(&["-n", &namespace.name, "get", "pods", "-o", "name"]);
        (names.lines().count() == wanted).then(|| names.lines().next().map(str::to_owned))
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_of_a_deployment_that_is_gone_are_no_gone_pods() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("orphans");
    let client = client(&sandbox).await;
    let read = || async { read_workload(&client, &namespace.name, "left", None).await.unwrap() };
    let delete = |what: &[&str]| {
        let mut arguments = vec!["-n", namespace.name.as_str(), "delete", "--cascade=orphan"];
        arguments.extend(what);
        sandbox.kubectl(&arguments);
    };
    assert!(read().await.pods_gone().is_some(), "nothing was there yet");
    sandbox.apply(&namespace.name, &deployment());
    pods(&sandbox, &namespace, 1).await;

    delete(&["deployment", "left"]);
    let orphaned = read().await;
    assert_eq!((orphaned.replica_sets.len(), orphaned.pods.len()), (1, 1));
    assert!(orphaned.deployment.is_none() && orphaned.pods_gone().is_none());
    assert_eq!(orphaned.left_behind().count(), 1);

    delete(&["replicaset", "--all"]);
    let alone = read().await;
    assert_eq!((alone.replica_sets.len(), alone.pods.len()), (0, 1));
    assert!(alone.pods_gone().is_none());

    delete(&["pods", "--all", "--wait=false"]);
    pods(&sandbox, &namespace, 0).await;
    assert!(read().await.pods_gone().is_some());
}
