//! What people are answered, and what a thread shows where nothing may be touched.

use std::time::Duration;

use lockkeeper_slack_simulator::{Outage, Simulator};
use serde_json::{Value, json};

use crate::support::{
    bot::{Bot, DEADLINE, simulator},
    sandbox::{Namespace, Sandbox, eventually},
};

/// An application of which only one Deployment is there.
fn half_an_application(sandbox: &Sandbox, namespace: &Namespace) {
    let labels = json!({"app": "half"});
    sandbox.apply(&namespace.name, &json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "half-jobmanager"},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "registry.invalid/none:1"}]}}},
    }));
    sandbox.apply(&namespace.name, &json!({
        "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkApplication", "metadata": {"name": "half"},
        "spec": {
            "chart": {"path": sandbox.chart}, "versionValue": "version", "versions": ["1.0.0", "1.1.0"],
            "jobManager": "half-jobmanager", "taskManager": "half-taskmanager", "restService": {"name": "half-rest"},
            "savepoint": {"directory": "file:///none"}, "highAvailability": {"kubernetesClusterId": "half", "clusterId": "half"},
            "deployers": {"groups": ["S0PLATFORM"]}, "channel": "C0DEPLOYS",
        },
    }));
}

async fn asked(slack: &Simulator, user: &str, line: &str) -> String {
    slack.command(user, "deploys", line).await.unwrap().text().to_owned()
}

fn rollouts(sandbox: &Sandbox, namespace: &Namespace) -> Vec<Value> {
    let all = sandbox.get_json(&namespace.name, "flinkrollouts");
    all["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_done_is_answered_and_nothing_happens() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("answers");
    half_an_application(&sandbox, &namespace);
    let slack = simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    let mut said = Vec::new();
    for (user, line) in [
        ("alice", "/flink list"),
        ("alice", "/flink depoly half 1.1.0"),
        ("alice", "/flink deploy hafl 1.1.0"),
        ("alice", "/flink deploy half ../x"),
        ("carol", "/flink deploy half 1.1.0"),
        ("alice", "/flink approve half-0123456789"),
        ("alice", "/flink history half"),
        ("alice", "/flink rollback half rewind"),
    ] {
        said.push(format!("{user}: {line}\n{}", asked(&slack, user, line).await));
    }
    insta::assert_snapshot!(said.join("\n\n"));
    assert!(rollouts(&sandbox, &namespace).is_empty());
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_is_completed_after_slack_was_away() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("outage");
    half_an_application(&sandbox, &namespace);
    let slack = simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    slack.go_away(Outage::Unavailable);
    let request = json!({
        "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkRollout", "metadata": {"name": "unseen"},
        "spec": {"request": {"application": "half", "by": format!("kubernetes:{}", administrator(&sandbox)), "kind": "Deploy", "version": "1.1.0"}},
    });
    sandbox.apply(&namespace.name, &request);
    eventually("the rollout ends although Slack is away", DEADLINE, || {
        rollouts(&sandbox, &namespace).iter().any(|rollout| rollout.pointer("/status/result").is_some()).then_some(())
    })
    .await;
    slack.come_back();
    let complete = |view: &lockkeeper_slack_simulator::View<'_>| {
        let card = view.channel("deploys").into_iter().find(|message| !message.is_reply())?;
        let thread = view.render_thread("deploys", &card.ts);
        thread.contains("*Untouched* in").then_some(thread)
    };
    let thread = slack.wait_for("the whole thread", Duration::from_secs(60), complete).await.unwrap();
    insta::with_settings!({filters => vec![
        (r"\d+ s\b", "[seconds]"), (r"outage-\d+", "[namespace]"), (r"\d+:\d+:\d+", "[time]"),
    ]}, { insta::assert_snapshot!(thread) });
    bot.stop().await;
}

fn administrator(sandbox: &Sandbox) -> String {
    sandbox.kubectl(&["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"])
}
