//! An application that was installed by other means: what is taken over, what stays its owner's, and what must be allowed beforehand.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    bot::{Bot, simulator},
    chart::{Charts, STANDALONE, both, deployment},
    refusals::{application, deploy, refused},
    sandbox::{Namespace, Sandbox, eventually},
};

/// Baking is helm, twice.
const PLANNED: Duration = Duration::from_secs(120);
const OPTIONAL: &str = "volumes:\n  - {name: keys, secret: {secretName: nowhere, optional: true}}\n  - name: all\n    projected: {sources: [{configMap: {name: nowhere, optional: true}}]}";

/// A Deployment at 0 replicas, as somebody applied it; it mounts what need not be there.
fn parked(component: &str) -> Value {
    let labels = json!({ "component": component });
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": format!("orders-{component}")},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
            "volumes": [{"name": "keys", "secret": {"secretName": "nowhere", "optional": true}}],
            "containers": [{
                "name": "main", "image": "registry.invalid/app:0.9.0", "args": ["standalone-job"],
                "envFrom": [{"configMapRef": {"name": "nowhere", "optional": true}}],
                "env": [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "nowhere", "key": "key", "optional": true}}}],
            }],
        }}},
    })
}

fn account(labels: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "flink", "labels": labels}})
}

/// The application `orders`, parked, and a chart that brings `more` to it.
fn setting(sandbox: &Sandbox, namespace: &Namespace, charts: &Charts, more: &str) {
    for component in ["jobmanager", "taskmanager"] {
        sandbox.apply(&namespace.name, &parked(component));
    }
    let mut templates = both();
    templates[0].1 = deployment("jobmanager", STANDALONE, OPTIONAL);
    templates.push(("more.yaml", more.to_owned()));
    let approvals = json!({"approvals": {"required": 1, "groups": ["S1"]}});
    sandbox.apply(&namespace.name, &application("orders", &charts.write("orders", &templates), &approvals));
}

fn ask(sandbox: &Sandbox, namespace: &Namespace, name: &str) {
    let mut rollout = deploy(sandbox, name, "orders", "1.0.0");
    rollout["spec"]["request"]["startFrom"] = json!({"from": "Nothing"});
    sandbox.apply(&namespace.name, &rollout);
}

/// Waits for a plan; it.
async fn planned(sandbox: &Sandbox, namespace: &Namespace, name: &str) -> Value {
    eventually(&format!("{name} waits for approval"), PLANNED, || {
        let status = sandbox.get_json(&namespace.name, &format!("flinkrollout/{name}"))["status"].clone();
        assert!(status.get("result").is_none(), "{status}");
        (status["stage"] == "Approve").then(|| status["plan"].clone())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_belongs_to_somebody_else_is_neither_overwritten_nor_deleted() {
    let (sandbox, charts) = (Sandbox::get(), Charts::new("foreign"));
    let namespace = sandbox.namespace("foreign");
    setting(&sandbox, &namespace, &charts, "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: flink}\n");
    let shared = account(&json!({"app.kubernetes.io/instance": "shipping"}));
    sandbox.apply(&namespace.name, &shared);
    let slack = simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    ask(&sandbox, &namespace, "foreign");
    let why = refused(&sandbox, &namespace, "foreign", PLANNED).await;
    insta::assert_snapshot!(why, @"the chart renders what is there already and does not belong to orders: ServiceAccount flink. Give it another name in the chart, or use it without rendering it; if it is the application's alone, say so: kubectl label KIND NAME lockkeeper.dev/application=orders");
    let live = sandbox.get_json(&namespace.name, "serviceaccount/flink");
    assert_eq!(live.pointer("/metadata/labels"), shared.pointer("/metadata/labels"));

    // As the answer says: the application's after all.
    sandbox.kubectl(&["-n", &namespace.name, "label", "serviceaccount", "flink", "lockkeeper.dev/application=orders"]);
    ask(&sandbox, &namespace, "labelled");
    let plan = planned(&sandbox, &namespace, "labelled").await;
    assert_eq!(plan["previousRevision"], 0, "what is mounted as optional need not be there");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_have_to_be_deleted_must_be_allowed_to_be() {
    let (sandbox, charts) = (Sandbox::get(), Charts::new("rights"));
    let namespace = sandbox.namespace("rights");
    let more = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: extra}\nspec: {selector: {matchLabels: {a: b}}}\n---\n\
                apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: extra}\n\
                spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n---\n\
                apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: extra}\nspec:\n  selector: {matchLabels: {a: b}}\n  template:\n    \
                metadata: {labels: {a: b}}\n    spec: {containers: [{name: main, image: registry.invalid/extra:1}]}\n";
    setting(&sandbox, &namespace, &charts, more);
    let role = sandbox.get_json(&namespace.name, "role/lockkeeper");
    let mut lesser = json!({"apiVersion": role["apiVersion"], "kind": "Role", "metadata": {"name": "lockkeeper"}, "rules": role["rules"]});
    for rule in lesser["rules"].as_array_mut().unwrap().iter_mut().filter(|rule| rule["apiGroups"][0] == "policy") {
        rule["verbs"].as_array_mut().unwrap().retain(|verb| verb != "delete");
    }
    sandbox.apply(&namespace.name, &lesser);
    let slack = simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    ask(&sandbox, &namespace, "lesser");
    let why = refused(&sandbox, &namespace, "lesser", PLANNED).await;
    insta::assert_snapshot!(why, @"only one of the two versions has PodDisruptionBudget extra, so it may have to be deleted or brought back, but Lockkeeper may not delete it: add delete for poddisruptionbudgets to Lockkeeper's Role in this namespace (manifests/role.yaml)");
    lesser["rules"] = role["rules"].clone();
    sandbox.apply(&namespace.name, &lesser);
    ask(&sandbox, &namespace, "whole");
    let plan = planned(&sandbox, &namespace, "whole").await;
    for added in ["+ Deployment extra", "+ PersistentVolumeClaim extra", "+ PodDisruptionBudget extra"] {
        assert!(plan["changes"].as_array().unwrap().contains(&json!(added)), "{added}: {}", plan["changes"]);
    }
    bot.stop().await;
}
