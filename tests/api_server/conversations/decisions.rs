//! Decisions of people, given once or twice, in time or too late, and the answers.

use std::time::{Duration, Instant};

use lockkeeper_slack_simulator::{Click, Failure, Simulator};
use serde_json::{Value, json};

use crate::slack::{run_command, start_rollout, wait_for_answer, wait_for_message};
use crate::support::{
    bot::{Bot, CHANNEL, DEADLINE},
    fixtures::{
        flink_rollout::administrator,
        parked_orders::{apply_parked_orders, list_rollouts},
    },
    sandbox::{Namespace, Sandbox, eventually},
    simulator::start_simulator,
    slack_user::rollout_name_in,
};

const POLL: Duration = Duration::from_millis(200);

/// Replaces what differs from run to run.
fn redact(text: &str, rollout: &str) -> String {
    let text = text.replace(rollout, "[rollout]");
    let mut parts = text.split("<!date^");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| format!("{text}[time]{}", part.split_once('>').map_or("", |(_, rest)| rest)))
}

/// Adds a decision as the administrator.
fn decide_by_kubectl(sandbox: &Sandbox, namespace: &Namespace, rollout: &str, kind: &str) {
    let by = administrator(sandbox);
    let decision = json!({"id": kind.to_lowercase(), "kind": kind, "by": by, "at": "2026-01-01T00:00:00Z"});
    let patch = json!([{"op": "add", "path": "/spec/decisions/-", "value": decision}]).to_string();
    let object = format!("flinkrollout/{rollout}");
    sandbox.kubectl(&["-n", &namespace.name, "patch", &object, "--type=json", "-p", &patch]);
}

async fn click(slack: &Simulator, user: &str, ts: &str, action: &str) {
    slack.click(&Click::new(user, CHANNEL, ts, action)).await.unwrap();
}

/// Repeats a command until its answer has these words.
async fn wait_for_command_answer(slack: &Simulator, line: &str, words: &str) {
    let began = Instant::now();
    loop {
        let answer = run_command(slack, "carol", line).await;
        if answer.contains(words) {
            return;
        }
        assert!(began.elapsed() < DEADLINE, "{line}: no {words:?} in {answer}");
        tokio::time::sleep(POLL).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_counts_once_and_a_late_one_is_answered_with_the_reason() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("decisions");
    apply_parked_orders(&sandbox, &namespace, 2);
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    let name = start_rollout(&slack, "alice", "/flink deploy orders 1.1.0 from nothing").await;
    let request = wait_for_message(&slack, &name, "[Approve]").await;
    let card = request.thread_ts.clone().unwrap();

    // However often bob approves, it is one of the two approvals that the rollout needs.
    slack.click_repeated(&Click::new("bob", CHANNEL, &request.ts, "rollout.approve")).await.unwrap();
    // Before this line the bot has sent the decision but not read it back.
    wait_for_message(&slack, &name, "✓ approved by @bob, 1 of 2").await;
    click(&slack, "bob", &request.ts, "rollout.approve").await;
    wait_for_answer(&slack, "bob", "You have approved").await;
    let answers = slack.view().ephemerals("bob");
    assert!(
        !answers.iter().any(|answer| answer.text.contains("refused")),
        "a repeated approval was refused: {answers:?}"
    );
    let decisions = |wanted: usize| {
        let all = list_rollouts(&sandbox, &namespace);
        let decisions = all[0].pointer("/spec/decisions").and_then(Value::as_array).cloned().unwrap_or_default();
        (decisions.len() == wanted).then_some(all[0].clone())
    };
    let waiting = eventually("one decision", DEADLINE, || decisions(1)).await;
    assert_eq!(waiting.pointer("/status/stage").and_then(Value::as_str), Some("Approve"));
    // A decision in Slack that comes too early is not recorded. One by kubectl is answered in the thread.
    let early = run_command(&slack, "alice", "/flink rollback orders").await;
    assert!(early.contains(&format!("nothing was stopped yet: `/flink abort {name}` ends it")), "{early}");
    decide_by_kubectl(&sandbox, &namespace, &name, "Resume");
    wait_for_message(&slack, &name, "said *resume* · refused: it is not halted").await;
    let decisions_before = 2;
    click(&slack, "carol", &request.ts, "rollout.reject").await;
    wait_for_answer(&slack, "carol", "You may not approve it").await;

    // While Slack refuses updates the buttons stay, and every click on them comes too late.
    slack.fail("chat.update", 10_000, &Failure::Http { status: 503 });
    let mut answers = vec![run_command(&slack, "bob", &format!("/flink reject {name} not <today>")).await];
    eventually("the end", DEADLINE, || {
        decisions(decisions_before + 1).filter(|rollout| rollout.pointer("/status/result").is_some())
    })
    .await;
    // The bot answers from its cache, which may be behind kubectl. The claim is released after the result.
    wait_for_command_answer(&slack, "/flink history orders", "Untouched").await;
    wait_for_command_answer(&slack, "/flink list", "idle").await;
    let ends = format!("`{name}` has ended");
    for (ts, action) in [(&request.ts, "rollout.approve"), (&request.ts, "rollout.reject"), (&card, "rollout.abort")] {
        let before = slack.view().ephemerals("alice").len();
        click(&slack, "alice", ts, action).await;
        let answer = |view: &lockkeeper_slack_simulator::View<'_>| view.ephemerals("alice").into_iter().nth(before);
        let answer = slack.wait_for("an answer to a click that came too late", DEADLINE, answer).await.unwrap();
        assert!(answer.text.starts_with(&ends), "{action}: {}", answer.text);
    }
    for word in ["approve", "reject", "abort", "roll-back", "resume", "give-up"] {
        answers.push(run_command(&slack, "alice", &format!("/flink {word} {name}")).await);
    }
    for line in ["/flink history orders", "/flink status orders", "/flink list"] {
        answers.push(run_command(&slack, "carol", line).await);
    }
    assert!(decisions(decisions_before + 1).is_some(), "nothing was added after the end");
    insta::assert_snapshot!(redact(&answers.join("\n"), &name));

    slack.clear_failures();
    wait_for_message(&slack, &name, "*Untouched* in").await;
    let late = slack.click(&Click::new("alice", CHANNEL, &request.ts, "rollout.approve")).await;
    assert!(late.is_err(), "the buttons are still there");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_may_deploy_while_the_groups_are_unknown() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("groups");
    apply_parked_orders(&sandbox, &namespace, 1);
    let slack = start_simulator().await;
    slack.fail("usergroups.list", 10_000, &Failure::Http { status: 503 });
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    let answer = run_command(&slack, "alice", "/flink deploy orders 1.1.0").await;
    assert!(answer.contains("Slack does not say at the moment who is in which group"), "{answer}");
    assert!(list_rollouts(&sandbox, &namespace).is_empty());
    slack.clear_failures();
    let began = Instant::now();
    let name = loop {
        let answer = run_command(&slack, "alice", "/flink deploy orders 1.1.0").await;
        if let Some(name) = rollout_name_in(&answer) {
            break name;
        }
        assert!(answer.contains("who is in which group") && began.elapsed() < DEADLINE, "{answer}");
        tokio::time::sleep(POLL).await;
    };
    // Without a running job and without a start state it ends at Plan.
    wait_for_message(&slack, &name, "*Untouched* in").await;
    bot.stop().await;
}
