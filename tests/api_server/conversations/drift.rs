//! What runs is compared with what Lockkeeper started: a hot-fix by other means is what a rollback goes back to.

use std::{os::unix::fs::PermissionsExt as _, time::Duration};

use serde_json::{Value, json};

use crate::support::{
    bot::{Bot, simulator},
    refusals::{application, deploy, released},
    sandbox::{Namespace, Sandbox, eventually},
};

/// A real Flink starts its job; only a real failure reaches it.
const STARTED: Duration = Duration::from_secs(600);

fn rollout(sandbox: &Sandbox, namespace: &Namespace, name: &str) -> Value {
    sandbox.get_json(&namespace.name, &format!("flinkrollout/{name}"))["status"].clone()
}

/// The application `orders` of the sample chart, which nobody has to approve unless `approvals` says so.
fn orders(sandbox: &Sandbox, namespace: &Namespace, approvals: u32) {
    let data = sandbox.data.join(&namespace.name);
    let more = json!({
        "allow": ["hostPath"], "values": {"data": {"hostPath": data}}, "approvals": {"required": approvals, "groups": ["S1"]},
        "savepoint": {"directory": format!("file://{}/savepoints", data.display())},
        "startDeadlineSeconds": 300, "monitor": {"stabiliseSeconds": 1, "watchSeconds": 10, "checkpointsWanted": 1},
    });
    sandbox.apply(&namespace.name, &application("orders", sandbox.chart.to_str().unwrap(), &more));
}

/// Plans a deployment of 1.1.0, then drops it; the plan, and the numbers that were handed out.
async fn planned(sandbox: &Sandbox, namespace: &Namespace, name: &str) -> (Value, u64) {
    sandbox.apply(&namespace.name, &deploy(sandbox, name, "orders", "1.1.0"));
    let plan = eventually(&format!("{name} waits for approval"), STARTED, || {
        let status = rollout(sandbox, namespace, name);
        assert!(status.get("result").is_none(), "{status}");
        (status["stage"] == "Approve").then(|| status["plan"].clone())
    })
    .await;
    sandbox.kubectl(&["-n", &namespace.name, "delete", "flinkrollout", name, "--timeout=60s"]);
    let numbers = released(sandbox, namespace, "orders").await;
    println!("---- {name}: {numbers} {plan:#}");
    (plan, numbers)
}

fn first_change(plan: &Value) -> &str {
    plan.pointer("/changes/0").and_then(Value::as_str).unwrap_or_default()
}

fn records(sandbox: &Sandbox, namespace: &Namespace) -> Vec<String> {
    let names = sandbox.kubectl(&["-n", &namespace.name, "get", "secrets", "-o", "name"]);
    names.lines().filter(|name| name.contains("orders-rev-")).map(str::to_owned).collect()
}

/// Waits until every task runs again, in as many pods as replicas: those that a change replaced take their time to go.
async fn running(sandbox: &Sandbox, namespace: &Namespace) {
    let path = format!("/api/v1/namespaces/{}/services/orders-rest:8081/proxy/jobs/overview", namespace.name);
    eventually("the job runs again, and its pods alone", STARTED, || {
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

/// Waits until a Deployment's own update is through.
fn updated(sandbox: &Sandbox, namespace: &Namespace, deployment: &str) {
    let deployment = format!("deployment/{deployment}");
    sandbox.kubectl(&["-n", &namespace.name, "rollout", "status", &deployment, "--timeout=300s"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_changed_by_other_means_is_recorded_anew() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("hotfix");
    let data = sandbox.data.join(&namespace.name);
    std::fs::create_dir_all(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o777)).unwrap();
    orders(&sandbox, &namespace, 0);
    let slack = simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    sandbox.apply(&namespace.name, &deploy(&sandbox, "first", "orders", "1.0.0"));
    let result =
        eventually("the first deployment", STARTED, || rollout(&sandbox, &namespace, "first").get("result").cloned())
            .await;
    assert_eq!(result["kind"], "Succeeded", "{result}");

    // What Lockkeeper itself started is no difference, whatever the API server made of it.
    orders(&sandbox, &namespace, 1);
    let (plan, numbers) = planned(&sandbox, &namespace, "same").await;
    assert_eq!((&plan["previousRevision"], &plan["fromVersion"], numbers), (&json!(1), &json!("1.0.0"), 2));
    assert!(!first_change(&plan).contains("other means"), "{plan:#}");

    let hotfix = ["set", "env", "deployment/orders-taskmanager", "ORDERS_REGION=south"];
    sandbox.kubectl(&[&["-n", &namespace.name], &hotfix[..]].concat());
    sandbox.kubectl(&["-n", &namespace.name, "rollout", "restart", "deployment/orders-jobmanager"]);
    for deployment in ["orders-jobmanager", "orders-taskmanager"] {
        updated(&sandbox, &namespace, deployment);
    }
    running(&sandbox, &namespace).await;
    let (plan, numbers) = planned(&sandbox, &namespace, "hotfix").await;
    assert_eq!((&plan["previousRevision"], &plan["target"]["revision"], numbers), (&json!(4), &json!(3), 4));
    insta::assert_snapshot!(first_change(&plan), @"~ what runs was changed by other means than Lockkeeper since revision 1: metadata.annotations.kubectl.kubernetes.io/restartedAt of Deployment orders-jobmanager, spec.containers[taskmanager].env[ORDERS_REGION].value of Deployment orders-taskmanager");
    assert!(
        plan["changes"].as_array().unwrap().iter().any(|line| line.as_str().unwrap().contains("south")),
        "the diff goes from what runs: {plan:#}"
    );
    // Nothing was deployed, so nothing of it is kept, and what is mounted is.
    assert_eq!(records(&sandbox, &namespace), ["secret/orders-rev-001"]);
    sandbox.kubectl(&["-n", &namespace.name, "get", "configmap/orders-config-v001", "secret/orders-credentials-v001"]);
    bot.stop().await;
}
