//! What the bot deletes by itself, and what it leaves.

use kube::Client;
use lockkeeper::retention::{list_surplus, prune};
use serde_json::{Value, json};

use crate::bot_client::{bot_client, write_status};
use crate::support::{
    bot::DEADLINE,
    fixtures::{flink_application::flink_application, flink_rollout::deploy_request},
    sandbox::{Namespace, Sandbox, eventually},
};

const REVISIONS: u32 = 25;

/// A rollout of the revision with this number, which has ended.
async fn add_ended_rollout(sandbox: &Sandbox, client: &Client, namespace: &Namespace, number: u32) {
    let name = format!("orders-{number:02}");
    sandbox.apply(&namespace.name, &deploy_request(sandbox, &name, "orders", "1.0.0"));
    let result = json!({"kind": "Succeeded", "message": "", "at": "2026-01-01T00:00:00Z"});
    let status = json!({"phase": "Succeeded", "epoch": 1, "revision": number, "result": result});
    write_status(client, namespace, ("FlinkRollout", &name), &status).await;
    let uid = sandbox.get_json(&namespace.name, &format!("flinkrollout/{name}"))["metadata"]["uid"].clone();
    let owner = json!({"apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkRollout", "name": name, "uid": uid});
    sandbox.apply(
        &namespace.name,
        &json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": format!("{name}-slack"), "ownerReferences": [owner]}}),
    );
}

fn stored(kind: &str, name: &str, revision: u32) -> Value {
    let labels = json!({"lockkeeper.dev/application": "orders", "lockkeeper.dev/revision": format!("{revision:03}")});
    let annotations = if name.contains("-v0") { json!({"lockkeeper.dev/name": "config"}) } else { json!({}) };
    let metadata = json!({"name": name, "labels": labels, "annotations": annotations});
    json!({"apiVersion": "v1", "kind": kind, "metadata": metadata})
}

/// A Deployment at 0 replicas that mounts a ConfigMap.
fn deployment_that_mounts(map: &str) -> Value {
    let labels = json!({"app": "orders"});
    let pod = json!({"containers": [{"name": "main", "image": "registry.invalid/none:1"}],
        "volumes": [{"name": "config", "configMap": {"name": map}}]});
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "orders-jobmanager"},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod}}})
}

fn names(sandbox: &Sandbox, namespace: &Namespace, kinds: &str) -> Vec<String> {
    let names = sandbox.kubectl(&["-n", &namespace.name, "get", kinds, "-o", "name"]);
    names.lines().map(|name| name.rsplit('/').next().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_rollouts_go_with_all_that_only_they_refer_to() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("retention");
    let client = bot_client(&sandbox).await;
    sandbox.apply(&namespace.name, &flink_application("orders", "/none", &json!({})));
    for number in 1..=REVISIONS {
        add_ended_rollout(&sandbox, &client, &namespace, number).await;
    }
    let revision = json!({"number": 2, "version": "1.0.0", "at": "2026-01-01T00:00:00Z"});
    let history = json!({"revision": REVISIONS, "lastSequence": REVISIONS, "revisions": [revision]});
    write_status(&client, &namespace, ("FlinkApplication", "orders"), &history).await;
    sandbox.apply(&namespace.name, &deployment_that_mounts("config-v001"));
    for (kind, name, revision) in [
        ("Secret", "orders-rev-001", 1),
        ("Secret", "orders-rev-002", 2),
        ("Secret", "orders-rev-025", 25),
        ("ConfigMap", "config-v001", 1),
        ("ConfigMap", "config-v003", 3),
        ("ConfigMap", "orders-cluster-config-map-backup-003-0123456789", 3),
        ("ConfigMap", "mine", 3),
    ] {
        sandbox.apply(&namespace.name, &stored(kind, name, revision));
    }

    // The records of this test hold nothing that can be read, so no copy goes.
    let listed = list_surplus(&client, &namespace.name).await.unwrap();
    assert!(listed.contains("versioned copies stay") && !listed.contains("config-v003"), "{listed}");
    sandbox.kubectl(&["-n", &namespace.name, "delete", "secret", "orders-rev-002", "orders-rev-025"]);
    let listed = list_surplus(&client, &namespace.name).await.unwrap();
    assert_eq!(listed.lines().filter(|line| line.contains("FlinkRollout")).count(), 5, "{listed}");
    assert_eq!(names(&sandbox, &namespace, "flinkrollouts").len(), 25, "a list deletes nothing");

    assert_eq!(prune(&client, &namespace.name).await.unwrap(), 8, "{listed}");
    let rollouts = names(&sandbox, &namespace, "flinkrollouts");
    assert_eq!((rollouts.len(), rollouts[0].as_str()), (20, "orders-06"));
    assert!(names(&sandbox, &namespace, "secrets").iter().all(|name| name != "orders-rev-001"));
    eventually("the records of Slack messages are gone", DEADLINE, || {
        let maps = names(&sandbox, &namespace, "configmaps");
        (maps.iter().filter(|name| name.ends_with("-slack")).count() == 20).then_some(())
    })
    .await;
    let mut maps = names(&sandbox, &namespace, "configmaps");
    maps.retain(|name| !name.ends_with("-slack") && name != "kube-root-ca.crt");
    assert_eq!(maps, ["config-v001", "mine"], "one is still mounted, the other is not Lockkeeper's");
    assert_eq!(prune(&client, &namespace.name).await.unwrap(), 0);
}
