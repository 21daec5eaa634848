//! Before the stop: whatever people do, the application stays as it is.

use std::time::Duration;

use lockkeeper::api::{DecisionResult, ResultKind};
use lockkeeper_slack_simulator::Click;
use serde_json::{Value, json};

use super::Scene;
use crate::support::{
    application::{CHANNEL, text},
    asked,
    kubernetes_users::{OTTO, RITA, SVEN},
    sandbox::eventually,
};

pub(super) async fn chain(scene: &Scene) {
    scene.untouched("rejected", rejected(scene)).await;
    scene.untouched("approvals that do not count", approvals_that_do_not_count(scene)).await;
    at_the_same_instant(scene).await;
    scene.untouched("expired", expired(scene)).await;
    scene.untouched("deleted", deleted(scene)).await;
}

/// What ended a rollout that must have changed nothing.
async fn untouched_because(scene: &Scene, rollout: &str, words: &str) {
    let status = scene.orders.settled(rollout).await;
    let result = status.result.unwrap_or_else(|| panic!("{rollout} halted: {}", status.message));
    assert_eq!(result.kind, ResultKind::Untouched, "{}", result.message);
    assert!(result.message.contains(words), "{rollout}: no {words:?} in {}", result.message);
}

async fn rejected(scene: &Scene) {
    let name = scene.orders.command(&scene.slack, "/flink deploy orders 1.1.0").await;
    let card = scene.orders.card(&scene.slack, &name).await;
    let request = scene.orders.approval(&scene.slack, &card).await;
    asked::pressed(&scene.slack, "bob", &request.ts, "rollout.reject").await;
    untouched_because(scene, &name, "rejected by slack:T0LOCK/U0BOB").await;
    scene.thread_with(&name, "*Untouched* in").await;
}

/// The requester's own, one of another plan, one by somebody who is no approver, and forged ones: the rollout goes on waiting.
async fn approvals_that_do_not_count(scene: &Scene) {
    let (orders, name) = (&scene.orders, "asked-by-otto");
    orders.ask(name, json!({"kind": "Deploy", "version": "1.1.0"}));
    let digest = orders.waits_for_approval(name).await.plan.unwrap().digest;
    let approve = |digest: &str| json!({"kind": "Approve", "planDigest": digest});
    let refused = [
        (orders.decide(OTTO, name, approve(&digest)).unwrap(), "who asks for a rollout cannot approve it"),
        (orders.decide(RITA, name, approve(&"0".repeat(64))).unwrap(), "it approves another plan"),
        (orders.decide(SVEN, name, approve(&digest)).unwrap(), "kubernetes:sven is not among the approvers"),
    ];
    for by in ["kubernetes:rita", "slack:T0LOCK/U0BOB"] {
        let forged = json!({"kind": "Approve", "planDigest": digest, "by": by});
        let error = orders.decide(SVEN, name, forged).expect_err("a forged approval was let through");
        assert!(error.contains("nobody decides in the name of somebody else"), "{error}");
    }
    let status = orders.shows(name, "three answers", |status| status.decisions.len() == 3).await;
    for (id, words) in refused {
        let answer = status.decisions.iter().find(|outcome| outcome.id == id).unwrap();
        assert_eq!(answer.result, DecisionResult::Refused);
        assert!(answer.message.contains(words), "{words:?} is not in {:?}", answer.message);
    }
    assert_eq!(status.phase, "Approve", "{}", status.message);
    orders.decide(RITA, name, json!({"kind": "Abort", "reason": "not today"})).unwrap();
    untouched_because(scene, name, "aborted by kubernetes:rita: not today").await;
}

/// Two commands at once: one goes on, the other names it. Two clicks at once: one approval. Meanwhile somebody else changes the
/// TaskManagers, so that what was approved is no longer what would be replaced.
async fn at_the_same_instant(scene: &Scene) {
    println!("==== two at the same instant");
    let (orders, slack) = (&scene.orders, &scene.slack);
    let before = orders.footprint().await;
    let line = "/flink deploy orders 1.1.0";
    let (by_alice, by_bob) = tokio::join!(slack.command("alice", CHANNEL, line), slack.command("bob", CHANNEL, line));
    let names = [by_alice, by_bob].map(|outcome| {
        let text = outcome.unwrap().text().to_owned();
        asked::name_in(&text).unwrap_or_else(|| panic!("{text}"))
    });
    let active = eventually("one of them has the claim", Duration::from_secs(60), || {
        orders.status().pointer("/activeRollout/name").and_then(Value::as_str).map(str::to_owned)
    })
    .await;
    let winner = names.iter().position(|name| *name == active).unwrap();
    untouched_because(scene, &names[1 - winner], &format!("busy: the rollout {active} is active")).await;

    orders.waits_for_approval(&active).await;
    foreign_change(scene, "FOREIGN=1");
    let approver = if winner == 0 { "bob" } else { "alice" };
    let card = orders.card(slack, &active).await;
    let request = orders.approval(slack, &card).await;
    let click = Click::new(approver, CHANNEL, &request.ts, "rollout.approve");
    let (first, second) = tokio::join!(slack.click(&click), slack.click(&click));
    assert!(first.is_ok() || second.is_ok());
    untouched_because(scene, &active, "outdated: the pods of Deployment orders-taskmanager were changed").await;
    let rollout = orders.rollout(&active);
    assert_eq!(rollout.pointer("/spec/decisions").unwrap().as_array().unwrap().len(), 1, "two clicks, one approval");
    let answers = rollout.pointer("/status/decisions").unwrap().as_array().unwrap();
    let answers: Vec<(&str, &str)> =
        answers.iter().map(|answer| (text(answer, "/result"), text(answer, "/message"))).collect();
    assert_eq!(answers, [("Applied", "approved")]);

    foreign_change(scene, "FOREIGN-");
    let settled = ["rollout", "status", "deployment/orders-taskmanager", "--timeout=120s"];
    orders.sandbox.kubectl(&[&["-n", &orders.namespace.name], settled.as_slice()].concat());
    assert_eq!(orders.footprint().await.job, before.job, "the job was never stopped");
}

fn foreign_change(scene: &Scene, variable: &str) {
    let namespace = scene.orders.namespace.name.as_str();
    scene.orders.sandbox.kubectl(&["-n", namespace, "set", "env", "deployment/orders-taskmanager", variable]);
}

async fn expired(scene: &Scene) {
    scene.orders.change(&json!({"approvals": {"timeoutSeconds": 10}}));
    scene.orders.ask("forgotten", json!({"kind": "Deploy", "version": "1.1.0"}));
    untouched_because(scene, "forgotten", "expired: 0 of 1 approvals came in time").await;
    scene.orders.change(&json!({"approvals": {"timeoutSeconds": 1800}}));
}

/// An object that is deleted while it waits goes, and the claim with it.
async fn deleted(scene: &Scene) {
    let orders = &scene.orders;
    orders.ask("deleted", json!({"kind": "Deploy", "version": "1.1.0"}));
    orders.waits_for_approval("deleted").await;
    let namespace = orders.namespace.name.as_str();
    orders.sandbox.kubectl(&["-n", namespace, "delete", "flinkrollout", "deleted", "--timeout=60s"]);
    let status = orders.status();
    assert_eq!(status.get("activeRollout"), None, "the claim is released");
    let leftover = format!("secret/orders-rev-{:03}", status["lastSequence"].as_u64().unwrap());
    let gone = orders.sandbox.try_kubectl(&["-n", namespace, "get", &leftover], None);
    assert!(gone.is_err_and(|error| error.contains("NotFound")), "{leftover} is left over");
}
