//! Drift: a change by other means than Lockkeeper, such as a hot-fix, gets a revision, so that a rollback restores it.

use std::{os::unix::fs::PermissionsExt as _, time::Duration};

use serde_json::{Value, json};

use crate::support::{
    bot::Bot,
    fixtures::{flink_application::flink_application, flink_rollout::deploy_request},
    refused_rollouts::wait_until_released,
    sandbox::{Namespace, Sandbox, eventually},
    simulator::start_simulator,
};

/// A real Flink starts its job. Only a real failure reaches this timeout.
const START_TIMEOUT: Duration = Duration::from_secs(600);

fn get_rollout_status(sandbox: &Sandbox, namespace: &Namespace, name: &str) -> Value {
    sandbox.get_json(&namespace.name, &format!("flinkrollout/{name}"))["status"].clone()
}

/// Applies the application `orders` of the sample chart.
fn apply_orders(sandbox: &Sandbox, namespace: &Namespace, approvals: u32) {
    let data = sandbox.data.join(&namespace.name);
    let more = json!({
        "allow": ["hostPath"], "values": {"data": {"hostPath": data}}, "approvals": {"required": approvals, "groups": ["S1"]},
        "savepoint": {"directory": format!("file://{}/savepoints", data.display())},
        "startDeadlineSeconds": 300, "monitor": {"stabiliseSeconds": 1, "watchSeconds": 10, "checkpointsWanted": 1},
    });
    sandbox.apply(&namespace.name, &flink_application("orders", &sandbox.chart, &more));
}

/// Plans a deployment of 1.1.0, then deletes it. Returns the plan and how many revision numbers were handed out.
async fn plan_and_delete(sandbox: &Sandbox, namespace: &Namespace, name: &str) -> (Value, u64) {
    sandbox.apply(&namespace.name, &deploy_request(sandbox, name, "orders", "1.1.0"));
    let plan = eventually(&format!("{name} waits for approval"), START_TIMEOUT, || {
        let status = get_rollout_status(sandbox, namespace, name);
        assert!(status.get("result").is_none(), "{status}");
        (status["stage"] == "Approve").then(|| status["plan"].clone())
    })
    .await;
    sandbox.kubectl(&["-n", &namespace.name, "delete", "flinkrollout", name, "--timeout=60s"]);
    let numbers = wait_until_released(sandbox, namespace, "orders").await;
    println!("---- {name}: {numbers} {plan:#}");
    (plan, numbers)
}

fn first_change(plan: &Value) -> &str {
    plan.pointer("/changes/0").and_then(Value::as_str).unwrap_or_default()
}

fn list_revision_records(sandbox: &Sandbox, namespace: &Namespace) -> Vec<String> {
    let names = sandbox.kubectl(&["-n", &namespace.name, "get", "secrets", "-o", "name"]);
    names.lines().filter(|name| name.contains("orders-rev-")).map(str::to_owned).collect()
}

/// Waits until every task runs again and the pods that a change replaced are gone.
async fn wait_until_running(sandbox: &Sandbox, namespace: &Namespace) {
    let path = format!("/api/v1/namespaces/{}/services/orders-rest:8081/proxy/jobs/overview", namespace.name);
    eventually("the job runs again in as many pods as replicas", START_TIMEOUT, || {
        let items = |what: &str| sandbox.get_json(&namespace.name, what)["items"].as_array().cloned();
        let replicas = |deployment: &Value| deployment.pointer("/spec/replicas").and_then(Value::as_u64);
        let wanted: u64 = items("deployments")?.iter().filter_map(replicas).sum();
        let answer = sandbox.try_kubectl(&["get", "--raw", &path], None).ok()?;
        let jobs: Value = serde_json::from_str(&answer).ok()?;
        let tasks = |of: &str| jobs.pointer(&format!("/jobs/0/tasks/{of}")).and_then(Value::as_u64);
        let whole = tasks("total").is_some_and(|total| total > 0 && tasks("running") == Some(total));
        (whole && usize::try_from(wanted) == Ok(items("pods")?.len())).then_some(())
    })
    .await;
}

/// Waits until a Deployment has replaced its pods.
fn wait_until_updated(sandbox: &Sandbox, namespace: &Namespace, deployment: &str) {
    let deployment = format!("deployment/{deployment}");
    sandbox.kubectl(&["-n", &namespace.name, "rollout", "status", &deployment, "--timeout=300s"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_by_other_means_gets_a_revision_of_its_own() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("hotfix");
    let data = sandbox.data.join(&namespace.name);
    std::fs::create_dir_all(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o777)).unwrap();
    apply_orders(&sandbox, &namespace, 0);
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    sandbox.apply(&namespace.name, &deploy_request(&sandbox, "first", "orders", "1.0.0"));
    let result = eventually("the first deployment", START_TIMEOUT, || {
        get_rollout_status(&sandbox, &namespace, "first").get("result").cloned()
    })
    .await;
    assert_eq!(result["kind"], "Succeeded", "{result}");

    // Defaults that the API server adds to what Lockkeeper started are no difference.
    apply_orders(&sandbox, &namespace, 1);
    let (plan, numbers) = plan_and_delete(&sandbox, &namespace, "same").await;
    assert_eq!((&plan["previousRevision"], &plan["fromVersion"], numbers), (&json!(1), &json!("1.0.0"), 2));
    assert!(!first_change(&plan).contains("other means"), "{plan:#}");

    let hotfix = ["set", "env", "deployment/orders-taskmanager", "ORDERS_REGION=south"];
    sandbox.kubectl(&[&["-n", &namespace.name], &hotfix[..]].concat());
    sandbox.kubectl(&["-n", &namespace.name, "rollout", "restart", "deployment/orders-jobmanager"]);
    for deployment in ["orders-jobmanager", "orders-taskmanager"] {
        wait_until_updated(&sandbox, &namespace, deployment);
    }
    wait_until_running(&sandbox, &namespace).await;
    let (plan, numbers) = plan_and_delete(&sandbox, &namespace, "hotfix").await;
    assert_eq!((&plan["previousRevision"], &plan["target"]["revision"], numbers), (&json!(4), &json!(3), 4));
    insta::assert_snapshot!(first_change(&plan), @"~ what runs was changed by other means than Lockkeeper since revision 1: metadata.annotations.kubectl.kubernetes.io/restartedAt of Deployment orders-jobmanager, spec.containers[taskmanager].env[ORDERS_REGION].value of Deployment orders-taskmanager");
    assert!(
        plan["changes"].as_array().unwrap().iter().any(|line| line.as_str().unwrap().contains("south")),
        "the diff goes from what runs: {plan:#}"
    );
    // Nothing was deployed, so its revisions are not kept. Objects that are mounted are kept.
    assert_eq!(list_revision_records(&sandbox, &namespace), ["secret/orders-rev-001"]);
    sandbox.kubectl(&["-n", &namespace.name, "get", "configmap/orders-config-v001", "secret/orders-credentials-v001"]);
    bot.stop().await;
}
