//! Before the stop nothing that people do changes the application.

use std::time::Duration;

use lockkeeper::api::{DecisionResult, ResultKind};
use lockkeeper_slack_simulator::Click;
use serde_json::{Value, json};

use crate::scene::Scene;
use crate::support::{
    application::text,
    bot::CHANNEL,
    kubernetes_users::{OTTO, RITA, SVEN},
    sandbox::eventually,
    slack_buttons::press_button,
    slack_user::rollout_name_in,
};

pub(super) async fn chain(scene: &Scene) {
    scene.assert_untouched("rejected", reject(scene)).await;
    scene.assert_untouched("approvals that do not count", give_approvals_that_do_not_count(scene)).await;
    scene.assert_untouched("a swapped record", swap_the_approved_record(scene)).await;
    act_at_the_same_instant(scene).await;
    scene.assert_untouched("expired", let_expire(scene)).await;
    scene.assert_untouched("deleted", delete(scene)).await;
}

/// Waits for the end of a rollout, which must be Untouched for this reason.
async fn wait_until_untouched_because(scene: &Scene, rollout: &str, words: &str) {
    let status = scene.orders.wait_until_settled(rollout).await;
    let result = status.result.unwrap_or_else(|| panic!("{rollout} halted: {}", status.message));
    assert_eq!(result.kind, ResultKind::Untouched, "{}", result.message);
    assert!(result.message.contains(words), "{rollout}: no {words:?} in {}", result.message);
}

async fn reject(scene: &Scene) {
    let name = scene.orders.start_rollout(&scene.slack, "/flink deploy orders 1.1.0").await;
    let card = scene.orders.wait_for_card(&scene.slack, &name).await;
    let request = scene.orders.wait_for_approval_request(&scene.slack, &card).await;
    press_button(&scene.slack, "bob", &request.ts, "rollout.reject").await;
    wait_until_untouched_because(scene, &name, "rejected by slack:T0LOCK/U0BOB").await;
    scene.wait_for_thread(&name, "*Untouched* in").await;
}

/// An approval by the requester, one of another plan, one by somebody who is no approver, and forged ones.
/// The rollout still waits after them.
async fn give_approvals_that_do_not_count(scene: &Scene) {
    let (orders, name) = (&scene.orders, "asked-by-otto");
    orders.request_rollout(name, json!({"kind": "Deploy", "version": "1.1.0"}));
    let digest = orders.wait_until_planned(name).await.plan.unwrap().digest;
    let approve = |digest: &str| json!({"kind": "Approve", "planDigest": digest});
    let not_counted = [
        (orders.decide(OTTO, name, approve(&digest)).unwrap(), "who asks for a rollout cannot approve it"),
        (orders.decide(RITA, name, approve(&"0".repeat(64))).unwrap(), "it has another plan by now"),
        (orders.decide(SVEN, name, approve(&digest)).unwrap(), "kubernetes:sven is not among the approvers"),
    ];
    for by in ["kubernetes:rita", "slack:T0LOCK/U0BOB"] {
        let forged = json!({"kind": "Approve", "planDigest": digest, "by": by});
        let error = orders.decide(SVEN, name, forged).expect_err("a forged approval was let through");
        assert!(error.contains("nobody decides in the name of somebody else"), "{error}");
    }
    let status = orders.wait_for_status(name, "three answers", |status| status.decisions.len() == 3).await;
    for (id, words) in not_counted {
        let answer = status.decisions.iter().find(|outcome| outcome.id == id).unwrap();
        assert_eq!(answer.result, DecisionResult::Refused);
        assert!(answer.message.contains(words), "{words:?} is not in {:?}", answer.message);
    }
    assert_eq!(status.phase, "Approve", "{}", status.message);
    orders.decide(RITA, name, json!({"kind": "Abort", "reason": "not today"})).unwrap();
    wait_until_untouched_because(scene, name, "aborted by kubernetes:rita: not today").await;
}

/// What is applied is what was approved: somebody replaces the record between the plan and its approval.
async fn swap_the_approved_record(scene: &Scene) {
    let (orders, name) = (&scene.orders, "swapped");
    orders.request_rollout(name, json!({"kind": "Deploy", "version": "1.1.0"}));
    let planned = orders.wait_until_planned(name).await;
    orders.swap_record(planned.revision.unwrap());
    let digest = planned.plan.unwrap().digest;
    orders.decide(RITA, name, json!({"kind": "Approve", "planDigest": digest})).unwrap();
    wait_until_untouched_because(scene, name, "is not the one that was planned and approved").await;
    orders.assert_nothing_smuggled();
}

/// Of two commands at once, one gets the claim and the other names it. Two clicks at once are one approval.
/// Meanwhile somebody else changes the TaskManagers, so the approved plan is outdated.
async fn act_at_the_same_instant(scene: &Scene) {
    println!("==== two at the same instant");
    let (orders, slack) = (&scene.orders, &scene.slack);
    let before = orders.observe_state().await;
    let line = "/flink deploy orders 1.1.0";
    let (by_alice, by_bob) = tokio::join!(slack.command("alice", CHANNEL, line), slack.command("bob", CHANNEL, line));
    let names = [by_alice, by_bob].map(|outcome| {
        let text = outcome.unwrap().text().to_owned();
        rollout_name_in(&text).unwrap_or_else(|| panic!("{text}"))
    });
    let active = eventually("one of them has the claim", Duration::from_secs(60), || {
        orders.get_status().pointer("/activeRollout/name").and_then(Value::as_str).map(str::to_owned)
    })
    .await;
    let winner = names.iter().position(|name| *name == active).unwrap();
    wait_until_untouched_because(scene, &names[1 - winner], &format!("busy: the rollout {active} is active")).await;

    orders.wait_until_planned(&active).await;
    change_task_managers(scene, "FOREIGN=1");
    let approver = if winner == 0 { "bob" } else { "alice" };
    let card = orders.wait_for_card(slack, &active).await;
    let request = orders.wait_for_approval_request(slack, &card).await;
    let click = Click::new(approver, CHANNEL, &request.ts, "rollout.approve");
    let (first, second) = tokio::join!(slack.click(&click), slack.click(&click));
    assert!(first.is_ok() || second.is_ok());
    wait_until_untouched_because(scene, &active, "outdated: the pods of Deployment orders-taskmanager were changed")
        .await;
    let rollout = orders.get_rollout(&active);
    assert_eq!(rollout.pointer("/spec/decisions").unwrap().as_array().unwrap().len(), 1, "two clicks, one approval");
    let answers = rollout.pointer("/status/decisions").unwrap().as_array().unwrap();
    let answers: Vec<(&str, &str)> =
        answers.iter().map(|answer| (text(answer, "/result"), text(answer, "/message"))).collect();
    assert_eq!(answers, [("Applied", "approved")]);

    change_task_managers(scene, "FOREIGN-");
    orders.kubectl(&["rollout", "status", "deployment/orders-taskmanager", "--timeout=120s"]);
    assert_eq!(orders.observe_state().await.job, before.job, "the job was never stopped");
}

fn change_task_managers(scene: &Scene, variable: &str) {
    scene.orders.kubectl(&["set", "env", "deployment/orders-taskmanager", variable]);
}

async fn let_expire(scene: &Scene) {
    scene.orders.patch_spec(&json!({"approvals": {"timeoutSeconds": 10}}));
    scene.orders.request_rollout("forgotten", json!({"kind": "Deploy", "version": "1.1.0"}));
    wait_until_untouched_because(scene, "forgotten", "expired: 0 of 1 approvals came in time").await;
    scene.orders.patch_spec(&json!({"approvals": {"timeoutSeconds": 1800}}));
}

/// A rollout that is deleted while it waits releases its claim.
async fn delete(scene: &Scene) {
    let orders = &scene.orders;
    orders.request_rollout("deleted", json!({"kind": "Deploy", "version": "1.1.0"}));
    orders.wait_until_planned("deleted").await;
    orders.kubectl(&["delete", "flinkrollout", "deleted", "--timeout=60s"]);
    let status = orders.get_status();
    assert_eq!(status.get("activeRollout"), None, "the claim is released");
    let leftover = format!("secret/orders-rev-{:03}", status["lastSequence"].as_u64().unwrap());
    let answer = orders.sandbox.try_kubectl(&["-n", &orders.namespace.name, "get", &leftover], None);
    assert!(answer.is_err_and(|error| error.contains("NotFound")), "{leftover} is left over");
}
