//! An application that was installed by other means: which objects it takes over, and which rights it needs for that.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    bot::Bot,
    fixtures::{
        chart::{Charts, STANDALONE, both, deployment},
        flink_application::flink_application,
        flink_rollout::deploy_request,
    },
    refused_rollouts::wait_until_untouched,
    sandbox::{Namespace, Sandbox, eventually},
    simulator::start_simulator,
};

/// Planning runs helm twice.
const PLAN_TIMEOUT: Duration = Duration::from_secs(120);
const OPTIONAL: &str = "volumes:\n  - {name: keys, secret: {secretName: nowhere, optional: true}}\n  - name: all\n    projected: {sources: [{configMap: {name: nowhere, optional: true}}]}";

/// A Deployment at 0 replicas that mounts optional objects, which do not exist.
fn parked_deployment(component: &str) -> Value {
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

fn service_account(labels: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "flink", "labels": labels}})
}

/// Applies the parked application `orders`, whose chart also has the template `more`.
fn apply_parked_application(sandbox: &Sandbox, namespace: &Namespace, charts: &Charts, more: &str) {
    for component in ["jobmanager", "taskmanager"] {
        sandbox.apply(&namespace.name, &parked_deployment(component));
    }
    let mut templates = both();
    templates[0].1 = deployment("jobmanager", STANDALONE, OPTIONAL);
    templates.push(("more.yaml", more.to_owned()));
    let approvals = json!({"approvals": {"required": 1, "groups": ["S1"]}});
    sandbox.apply(&namespace.name, &flink_application("orders", charts.write("orders", &templates), &approvals));
}

fn request_rollout(sandbox: &Sandbox, namespace: &Namespace, name: &str) {
    let mut rollout = deploy_request(sandbox, name, "orders", "1.0.0");
    rollout["spec"]["request"]["startFrom"] = json!({"from": "Nothing"});
    sandbox.apply(&namespace.name, &rollout);
}

/// Waits for the plan of a rollout and returns it.
async fn wait_for_plan(sandbox: &Sandbox, namespace: &Namespace, name: &str) -> Value {
    eventually(&format!("{name} waits for approval"), PLAN_TIMEOUT, || {
        let status = sandbox.get_json(&namespace.name, &format!("flinkrollout/{name}"))["status"].clone();
        assert!(status.get("result").is_none(), "{status}");
        (status["stage"] == "Approve").then(|| status["plan"].clone())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_of_another_owner_are_neither_overwritten_nor_deleted() {
    let (sandbox, charts) = (Sandbox::get(), Charts::new("foreign"));
    let namespace = sandbox.namespace("foreign");
    apply_parked_application(
        &sandbox,
        &namespace,
        &charts,
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: flink}\n",
    );
    let shared = service_account(&json!({"app.kubernetes.io/instance": "shipping"}));
    sandbox.apply(&namespace.name, &shared);
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    request_rollout(&sandbox, &namespace, "foreign");
    let why = wait_until_untouched(&sandbox, &namespace, "foreign", PLAN_TIMEOUT).await;
    insta::assert_snapshot!(why, @"the chart renders what is there already and does not belong to orders: ServiceAccount flink. Give it another name in the chart, or use it without rendering it; if it is the application's alone, say so: kubectl label KIND NAME lockkeeper.dev/application=orders");
    let live = sandbox.get_json(&namespace.name, "serviceaccount/flink");
    assert_eq!(live.pointer("/metadata/labels"), shared.pointer("/metadata/labels"));

    // The message says how to label an object of the application.
    sandbox.kubectl(&["-n", &namespace.name, "label", "serviceaccount", "flink", "lockkeeper.dev/application=orders"]);
    request_rollout(&sandbox, &namespace, "labelled");
    let plan = wait_for_plan(&sandbox, &namespace, "labelled").await;
    assert_eq!(plan["previousRevision"], 0, "what is mounted as optional need not be there");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_needs_the_right_to_delete_what_a_rollback_may_delete() {
    let (sandbox, charts) = (Sandbox::get(), Charts::new("rights"));
    let namespace = sandbox.namespace("rights");
    let more = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: extra}\nspec: {selector: {matchLabels: {a: b}}}\n---\n\
                apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: extra}\n\
                spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n---\n\
                apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: extra}\nspec:\n  selector: {matchLabels: {a: b}}\n  template:\n    \
                metadata: {labels: {a: b}}\n    spec: {containers: [{name: main, image: registry.invalid/extra:1}]}\n";
    apply_parked_application(&sandbox, &namespace, &charts, more);
    let role = sandbox.get_json(&namespace.name, "role/lockkeeper");
    let mut lesser = json!({"apiVersion": role["apiVersion"], "kind": "Role", "metadata": {"name": "lockkeeper"}, "rules": role["rules"]});
    for rule in lesser["rules"].as_array_mut().unwrap().iter_mut().filter(|rule| rule["apiGroups"][0] == "policy") {
        rule["verbs"].as_array_mut().unwrap().retain(|verb| verb != "delete");
    }
    sandbox.apply(&namespace.name, &lesser);
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    request_rollout(&sandbox, &namespace, "lesser");
    let why = wait_until_untouched(&sandbox, &namespace, "lesser", PLAN_TIMEOUT).await;
    insta::assert_snapshot!(why, @"only one of the two versions has PodDisruptionBudget extra, so it may have to be deleted or brought back, but Lockkeeper may not delete it: add delete for poddisruptionbudgets to Lockkeeper's Role in this namespace (manifests/role.yaml)");
    lesser["rules"] = role["rules"].clone();
    sandbox.apply(&namespace.name, &lesser);
    request_rollout(&sandbox, &namespace, "whole");
    let plan = wait_for_plan(&sandbox, &namespace, "whole").await;
    for added in ["+ Deployment extra", "+ PersistentVolumeClaim extra", "+ PodDisruptionBudget extra"] {
        assert!(plan["changes"].as_array().unwrap().contains(&json!(added)), "{added}: {}", plan["changes"]);
    }
    bot.stop().await;
}
