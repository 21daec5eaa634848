//! Answers to requests that change nothing, and a thread that is completed after an outage of Slack.

use std::time::Duration;

use lockkeeper_slack_simulator::Outage;
use serde_json::json;

use crate::slack::run_command;
use crate::support::{
    bot::{Bot, DEADLINE},
    fixtures::{flink_application::flink_application, flink_rollout::deploy_request, parked_orders::list_rollouts},
    sandbox::{Namespace, Sandbox, eventually},
    simulator::start_simulator,
};

/// An application with only one of its two Deployments.
fn apply_half_an_application(sandbox: &Sandbox, namespace: &Namespace) {
    let labels = json!({"app": "half"});
    sandbox.apply(&namespace.name, &json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "half-jobmanager"},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "registry.invalid/none:1"}]}}},
    }));
    let spec = json!({"versions": ["1.0.0", "1.1.0"]});
    sandbox.apply(&namespace.name, &flink_application("half", &sandbox.chart, &spec));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_cannot_be_done_are_answered_and_create_nothing() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("answers");
    apply_half_an_application(&sandbox, &namespace);
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    let mut answers = Vec::new();
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
        answers.push(format!("{user}: {line}\n{}", run_command(&slack, user, line).await));
    }
    insta::assert_snapshot!(answers.join("\n\n"));
    assert!(list_rollouts(&sandbox, &namespace).is_empty());
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_is_completed_after_an_outage_of_slack() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("outage");
    apply_half_an_application(&sandbox, &namespace);
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    slack.go_away(Outage::Unavailable);
    sandbox.apply(&namespace.name, &deploy_request(&sandbox, "unseen", "half", "1.1.0"));
    eventually("the rollout ends although Slack is away", DEADLINE, || {
        list_rollouts(&sandbox, &namespace)
            .iter()
            .any(|rollout| rollout.pointer("/status/result").is_some())
            .then_some(())
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
