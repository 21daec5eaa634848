//! The life of a FlinkApplication: its revision numbers, its claim, its Deployments, and its deletion.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    bot::{Bot, DEADLINE},
    fixtures::{
        chart::{Charts, both},
        flink_application::flink_application,
        flink_rollout::deploy_request,
    },
    refused_rollouts::{wait_until_released, wait_until_untouched},
    sandbox::{Namespace, Sandbox, eventually},
    simulator::start_simulator,
};

/// Planning runs helm twice.
const PLAN_TIMEOUT: Duration = Duration::from_secs(120);

fn get_rollout(sandbox: &Sandbox, namespace: &Namespace, name: &str) -> Value {
    sandbox.get_json(&namespace.name, &format!("flinkrollout/{name}"))
}

fn exists(sandbox: &Sandbox, namespace: &Namespace, what: &str) -> bool {
    sandbox.try_kubectl(&["-n", &namespace.name, "get", what], None).is_ok()
}

/// An object that an earlier application of the same name left behind.
fn old_object(kind: &str, name: &str, revision: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": kind,
        "metadata": {"name": name, "labels": {"lockkeeper.dev/application": "orders", "lockkeeper.dev/revision": revision}},
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recreated_application_continues_the_numbers_and_keeps_old_objects() {
    let (sandbox, charts) = (Sandbox::get(), Charts::new("recreated"));
    let namespace = sandbox.namespace("recreated");
    let old = [("Secret", "orders-rev-001", "001"), ("ConfigMap", "orders-config-v004", "004")];
    for (kind, name, revision) in old {
        sandbox.apply(&namespace.name, &old_object(kind, name, revision));
    }
    let chart = charts.write("orders", &both()[..1]);
    sandbox.apply(&namespace.name, &flink_application("orders", &chart, &json!({})));
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    sandbox.apply(&namespace.name, &deploy_request(&sandbox, "orders-1", "orders", "1.0.0"));
    wait_until_untouched(&sandbox, &namespace, "orders-1", PLAN_TIMEOUT).await;
    assert_eq!(wait_until_released(&sandbox, &namespace, "orders").await, 6);
    assert_eq!(get_rollout(&sandbox, &namespace, "orders-1").pointer("/status/revision"), Some(&json!(6)));
    for (kind, name, _) in old {
        assert!(exists(&sandbox, &namespace, &format!("{kind}/{name}")), "{kind} {name} is gone");
    }
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_is_deleted_after_its_active_rollout() {
    let (sandbox, charts) = (Sandbox::get(), Charts::new("kept"));
    let namespace = sandbox.namespace("kept");
    let chart = charts.write("orders", &both());
    sandbox.apply(
        &namespace.name,
        &flink_application("orders", &chart, &json!({"approvals": {"required": 1, "groups": ["S1"]}})),
    );
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    sandbox.apply(&namespace.name, &deploy_request(&sandbox, "waits", "orders", "1.0.0"));
    eventually("it waits for approval", PLAN_TIMEOUT, || {
        let stage = get_rollout(&sandbox, &namespace, "waits").pointer("/status/stage").cloned();
        (stage == Some(json!("Approve"))).then_some(())
    })
    .await;
    sandbox.kubectl(&["-n", &namespace.name, "delete", "flinkapplication", "orders", "--wait=false"]);
    sandbox.apply(&namespace.name, &deploy_request(&sandbox, "late", "orders", "1.0.0"));
    let why = wait_until_untouched(&sandbox, &namespace, "late", DEADLINE).await;
    assert!(why.contains("is being deleted"), "{why}");
    assert!(exists(&sandbox, &namespace, "flinkapplication/orders"), "it was deleted while its rollout was active");
    sandbox.kubectl(&["-n", &namespace.name, "delete", "flinkrollout", "waits", "--timeout=60s"]);
    eventually("the application is deleted too", DEADLINE, || {
        (!exists(&sandbox, &namespace, "flinkapplication/orders")).then_some(())
    })
    .await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_deployment_belongs_to_two_applications() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("shared");
    sandbox.apply(&namespace.name, &flink_application("orders", "/nowhere", &json!({})));
    let twin = json!({"jobManager": "orders-jobmanager", "taskManager": "twin-taskmanager"});
    sandbox.apply(&namespace.name, &flink_application("twin", "/nowhere", &twin));
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    sandbox.apply(&namespace.name, &deploy_request(&sandbox, "twin-1", "twin", "1.0.0"));
    let why = wait_until_untouched(&sandbox, &namespace, "twin-1", DEADLINE).await;
    assert!(why.contains("the FlinkApplication orders names the same Deployment"), "{why}");
    bot.stop().await;
}

/// The sample chart has a Role and a `RoleBinding`. Neither exists before the first deployment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_deployment_is_planned_in_an_empty_namespace() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("first");
    let more = json!({
        "approvals": {"required": 1, "groups": ["S1"]}, "allow": ["hostPath"],
        "values": {"data": {"hostPath": sandbox.data.join(&namespace.name)}},
    });
    sandbox.apply(&namespace.name, &flink_application("orders", &sandbox.chart, &more));
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    sandbox.apply(&namespace.name, &deploy_request(&sandbox, "first", "orders", "1.0.0"));
    let planned = eventually("it waits for approval", PLAN_TIMEOUT, || {
        let status = get_rollout(&sandbox, &namespace, "first")["status"].clone();
        assert!(status.get("result").is_none(), "{status}");
        (status["stage"] == "Approve").then_some(status)
    })
    .await;
    assert_eq!(planned.pointer("/plan/firstDeployment"), Some(&json!(true)));
    sandbox.kubectl(&["-n", &namespace.name, "delete", "flinkrollout", "first", "--timeout=60s"]);
    bot.stop().await;
}

/// With one of two Deployments it is neither a first deployment nor a running application.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_deployment_is_named_with_the_one_that_exists() {
    let (sandbox, charts) = (Sandbox::get(), Charts::new("half"));
    let namespace = sandbox.namespace("half");
    let chart = charts.write("orders", &both());
    sandbox.apply(&namespace.name, &flink_application("orders", &chart, &json!({})));
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    for (existing, missing) in [("jobmanager", "taskmanager"), ("taskmanager", "jobmanager")] {
        let half = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": format!("orders-{existing}")},
            "spec": {
                "replicas": 0, "selector": {"matchLabels": {"component": existing}},
                "template": {"metadata": {"labels": {"component": existing}}, "spec": {"containers": [{"name": "main", "image": "registry.invalid/app:1"}]}},
            },
        });
        sandbox.apply(&namespace.name, &half);
        let name = format!("half-{existing}");
        sandbox.apply(&namespace.name, &deploy_request(&sandbox, &name, "orders", "1.0.0"));
        let message = wait_until_untouched(&sandbox, &namespace, &name, PLAN_TIMEOUT).await;
        let wanted = format!(
            "the Deployment orders-{existing} is there but orders-{missing} is not: check the names in the FlinkApplication, or restore the \
             missing one"
        );
        assert_eq!(message, wanted);
        wait_until_released(&sandbox, &namespace, "orders").await;
        sandbox.kubectl(&[
            "-n",
            &namespace.name,
            "delete",
            "deployment",
            &format!("orders-{existing}"),
            "--timeout=60s",
        ]);
    }
    bot.stop().await;
}
