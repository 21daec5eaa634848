//! What a FlinkApplication keeps through its own life: its numbers, its claim, its neighbours, and the epoch of who writes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    bot::{Bot, DEADLINE, simulator},
    chart::{Charts, both},
    refusals::{application, deploy, refused, released},
    sandbox::{Namespace, Sandbox, eventually},
};

/// Baking is helm, twice.
const PLANNED: Duration = Duration::from_secs(120);

fn rollout(sandbox: &Sandbox, namespace: &Namespace, name: &str) -> Value {
    sandbox.get_json(&namespace.name, &format!("flinkrollout/{name}"))
}

fn exists(sandbox: &Sandbox, namespace: &Namespace, what: &str) -> bool {
    sandbox.try_kubectl(&["-n", &namespace.name, "get", what], None).is_ok()
}

/// What an application of the same name left behind.
fn left_behind(kind: &str, name: &str, revision: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": kind,
        "metadata": {"name": name, "labels": {"lockkeeper.dev/application": "orders", "lockkeeper.dev/revision": revision}},
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_that_is_made_again_numbers_on_and_touches_nothing_of_its_predecessor() {
    let (sandbox, charts) = (Sandbox::get(), Charts::new("again"));
    let namespace = sandbox.namespace("made-again");
    let old = [("Secret", "orders-rev-001", "001"), ("ConfigMap", "orders-config-v004", "004")];
    for (kind, name, revision) in old {
        sandbox.apply(&namespace.name, &left_behind(kind, name, revision));
    }
    let chart = charts.write("orders", &both()[..1]);
    sandbox.apply(&namespace.name, &application("orders", &chart, &json!({})));
    let slack = simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    sandbox.apply(&namespace.name, &deploy(&sandbox, "orders-1", "orders", "1.0.0"));
    refused(&sandbox, &namespace, "orders-1", PLANNED).await;
    assert_eq!(released(&sandbox, &namespace, "orders").await, 6);
    assert_eq!(rollout(&sandbox, &namespace, "orders-1").pointer("/status/revision"), Some(&json!(6)));
    for (kind, name, _) in old {
        assert!(exists(&sandbox, &namespace, &format!("{kind}/{name}")), "{kind} {name} is gone");
    }
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_is_not_gone_before_its_active_rollout() {
    let (sandbox, charts) = (Sandbox::get(), Charts::new("kept"));
    let namespace = sandbox.namespace("kept");
    let chart = charts.write("orders", &both());
    sandbox.apply(
        &namespace.name,
        &application("orders", &chart, &json!({"approvals": {"required": 1, "groups": ["S1"]}})),
    );
    let slack = simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    sandbox.apply(&namespace.name, &deploy(&sandbox, "waits", "orders", "1.0.0"));
    eventually("it waits for approval", PLANNED, || {
        let stage = rollout(&sandbox, &namespace, "waits").pointer("/status/stage").cloned();
        (stage == Some(json!("Approve"))).then_some(())
    })
    .await;
    sandbox.kubectl(&["-n", &namespace.name, "delete", "flinkapplication", "orders", "--wait=false"]);
    sandbox.apply(&namespace.name, &deploy(&sandbox, "late", "orders", "1.0.0"));
    let why = refused(&sandbox, &namespace, "late", DEADLINE).await;
    assert!(why.contains("is being deleted"), "{why}");
    assert!(exists(&sandbox, &namespace, "flinkapplication/orders"), "it went while a rollout of it was active");
    sandbox.kubectl(&["-n", &namespace.name, "delete", "flinkrollout", "waits", "--timeout=60s"]);
    eventually("the application goes too", DEADLINE, || {
        (!exists(&sandbox, &namespace, "flinkapplication/orders")).then_some(())
    })
    .await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_deployment_belongs_to_two_applications() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("shared");
    sandbox.apply(&namespace.name, &application("orders", "/nowhere", &json!({})));
    let twin = json!({"jobManager": "orders-jobmanager", "taskManager": "twin-taskmanager"});
    sandbox.apply(&namespace.name, &application("twin", "/nowhere", &twin));
    let slack = simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    sandbox.apply(&namespace.name, &deploy(&sandbox, "twin-1", "twin", "1.0.0"));
    let why = refused(&sandbox, &namespace, "twin-1", DEADLINE).await;
    assert!(why.contains("the FlinkApplication orders names the same Deployment"), "{why}");
    bot.stop().await;
}

/// The sample chart brings a Role and the `RoleBinding` to it, and neither is there before the first deployment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_deployment_is_planned_in_an_empty_namespace() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("first");
    let more = json!({
        "approvals": {"required": 1, "groups": ["S1"]}, "allow": ["hostPath"],
        "values": {"data": {"hostPath": sandbox.data.join(&namespace.name)}},
    });
    sandbox.apply(&namespace.name, &application("orders", sandbox.chart.to_str().unwrap(), &more));
    let slack = simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    sandbox.apply(&namespace.name, &deploy(&sandbox, "first", "orders", "1.0.0"));
    let planned = eventually("it waits for approval", PLANNED, || {
        let status = rollout(&sandbox, &namespace, "first")["status"].clone();
        assert!(status.get("result").is_none(), "{status}");
        (status["stage"] == "Approve").then_some(status)
    })
    .await;
    assert_eq!(planned.pointer("/plan/firstDeployment"), Some(&json!(true)));
    sandbox.kubectl(&["-n", &namespace.name, "delete", "flinkrollout", "first", "--timeout=60s"]);
    bot.stop().await;
}

/// One of the two Deployments without the other is neither a first deployment nor something that runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_deployment_of_two_is_named_with_the_one_that_is_missing() {
    let (sandbox, charts) = (Sandbox::get(), Charts::new("half"));
    let namespace = sandbox.namespace("half");
    let chart = charts.write("orders", &both());
    sandbox.apply(&namespace.name, &application("orders", &chart, &json!({})));
    let slack = simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    for (there, missing) in [("jobmanager", "taskmanager"), ("taskmanager", "jobmanager")] {
        let half = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": format!("orders-{there}")},
            "spec": {
                "replicas": 0, "selector": {"matchLabels": {"component": there}},
                "template": {"metadata": {"labels": {"component": there}}, "spec": {"containers": [{"name": "main", "image": "registry.invalid/app:1"}]}},
            },
        });
        sandbox.apply(&namespace.name, &half);
        let name = format!("half-{there}");
        sandbox.apply(&namespace.name, &deploy(&sandbox, &name, "orders", "1.0.0"));
        let message = refused(&sandbox, &namespace, &name, PLANNED).await;
        let wanted = format!(
            "the Deployment orders-{there} is there but orders-{missing} is not: check the names in the FlinkApplication, or restore the \
             missing one"
        );
        assert_eq!(message, wanted);
        released(&sandbox, &namespace, "orders").await;
        sandbox.kubectl(&["-n", &namespace.name, "delete", "deployment", &format!("orders-{there}"), "--timeout=60s"]);
    }
    bot.stop().await;
}
