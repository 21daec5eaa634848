//! What people say to a rollout: once or twice, in time or too late, and what they are answered.

use std::time::{Duration, Instant};

use lockkeeper_slack_simulator::{Click, Failure, Simulator};
use serde_json::{Value, json};

use crate::setting::{CHANNEL, application, asked, name_in, parked, rollouts, shown, started, told};
use crate::support::{
    bot::{Bot, DEADLINE, simulator},
    sandbox::{Namespace, Sandbox, eventually},
};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(200);

/// What is said anew in every run, replaced.
fn stable(text: &str, rollout: &str) -> String {
    let text = text.replace(rollout, "[rollout]");
    let mut parts = text.split("<!date^");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| format!("{text}[time]{}", part.split_once('>').map_or("", |(_, rest)| rest)))
}

/// Adds a decision as the administrator.
fn say_by_kubectl(sandbox: &Sandbox, namespace: &Namespace, rollout: &str, kind: &str) {
    let user = sandbox.kubectl(&["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"]);
    let said = json!({"id": kind.to_lowercase(), "kind": kind, "by": format!("kubernetes:{user}"), "at": "2026-01-01T00:00:00Z"});
    let patch = json!([{"op": "add", "path": "/spec/decisions/-", "value": said}]).to_string();
    let object = format!("flinkrollout/{rollout}");
    sandbox.kubectl(&["-n", &namespace.name, "patch", &object, "--type=json", "-p", &patch]);
}

async fn click(slack: &Simulator, user: &str, ts: &str, action: &str) {
    slack.click(&Click::new(user, CHANNEL, ts, action)).await.unwrap();
}

/// Asks until the answer has these words.
async fn said_once(slack: &Simulator, line: &str, words: &str) {
    let began = Instant::now();
    loop {
        let answer = asked(slack, "carol", line).await;
        if answer.contains(words) {
            return;
        }
        assert!(began.elapsed() < DEADLINE, "{line}: no {words:?} in {answer}");
        tokio::time::sleep(LOOK).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_counts_once_and_what_comes_too_late_is_told_why() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("decisions");
    parked(&sandbox, &namespace);
    application(&sandbox, &namespace, 2);
    let slack = simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    let name = started(&slack, "alice", "/flink deploy orders 1.1.0 from nothing").await;
    let request = shown(&slack, &name, "[Approve]").await;
    let card = request.thread_ts.clone().unwrap();

    // One of the two approvals that it needs, however often bob gives it.
    slack.click_repeated(&Click::new("bob", CHANNEL, &request.ts, "rollout.approve")).await.unwrap();
    // Before that the bot has only sent it off, and cannot say that it is there.
    shown(&slack, &name, "✓ approved by @bob, 1 of 2").await;
    click(&slack, "bob", &request.ts, "rollout.approve").await;
    told(&slack, "bob", "You have approved").await;
    let answers = slack.view().ephemerals("bob");
    assert!(!answers.iter().any(|answer| answer.text.contains("refused")), "a repeat is no mistake: {answers:?}");
    let decisions = |wanted: usize| {
        let all = rollouts(&sandbox, &namespace);
        let said = all[0].pointer("/spec/decisions").and_then(Value::as_array).cloned().unwrap_or_default();
        (said.len() == wanted).then_some(all[0].clone())
    };
    let waiting = eventually("one decision", DEADLINE, || decisions(1)).await;
    assert_eq!(waiting.pointer("/status/stage").and_then(Value::as_str), Some("Approve"));
    // What comes too early is not noted, and what kubectl says too early is told.
    let early = asked(&slack, "alice", "/flink rollback orders").await;
    assert!(early.contains(&format!("nothing was stopped yet: `/flink abort {name}` ends it")), "{early}");
    say_by_kubectl(&sandbox, &namespace, &name, "Resume");
    shown(&slack, &name, "said *resume* · refused: it is not halted").await;
    let said_before = 2;
    click(&slack, "carol", &request.ts, "rollout.reject").await;
    told(&slack, "carol", "You may not approve it").await;

    // The buttons stay where they are while Slack lets nothing be changed: every click on them comes too late.
    slack.fail("chat.update", 10_000, &Failure::Http { status: 503 });
    let mut said = vec![asked(&slack, "bob", &format!("/flink reject {name} not <today>")).await];
    eventually("the end", DEADLINE, || {
        decisions(said_before + 1).filter(|rollout| rollout.pointer("/status/result").is_some())
    })
    .await;
    // The bot answers from memory, which may be behind kubectl; and the claim goes after the result.
    said_once(&slack, "/flink history orders", "Untouched").await;
    said_once(&slack, "/flink list", "idle").await;
    let ends = format!("`{name}` has ended");
    for (ts, action) in [(&request.ts, "rollout.approve"), (&request.ts, "rollout.reject"), (&card, "rollout.abort")] {
        let before = slack.view().ephemerals("alice").len();
        click(&slack, "alice", ts, action).await;
        let answer = |view: &lockkeeper_slack_simulator::View<'_>| view.ephemerals("alice").into_iter().nth(before);
        let answer = slack.wait_for("an answer to a click that came too late", DEADLINE, answer).await.unwrap();
        assert!(answer.text.starts_with(&ends), "{action}: {}", answer.text);
    }
    for word in ["approve", "reject", "abort", "roll-back", "resume", "give-up"] {
        said.push(asked(&slack, "alice", &format!("/flink {word} {name}")).await);
    }
    for line in ["/flink history orders", "/flink status orders", "/flink list"] {
        said.push(asked(&slack, "carol", line).await);
    }
    assert!(decisions(said_before + 1).is_some(), "nothing was added after the end");
    insta::assert_snapshot!(stable(&said.join("\n"), &name));

    slack.clear_failures();
    shown(&slack, &name, "*Untouched* in").await;
    let late = slack.click(&Click::new("alice", CHANNEL, &request.ts, "rollout.approve")).await;
    assert!(late.is_err(), "the buttons are still there");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_nobody_knows_who_is_in_which_group_nobody_is_let_through() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("groups");
    parked(&sandbox, &namespace);
    application(&sandbox, &namespace, 1);
    let slack = simulator().await;
    slack.fail("usergroups.list", 10_000, &Failure::Http { status: 503 });
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    let answer = asked(&slack, "alice", "/flink deploy orders 1.1.0").await;
    assert!(answer.contains("Slack does not say at the moment who is in which group"), "{answer}");
    assert!(rollouts(&sandbox, &namespace).is_empty());
    slack.clear_failures();
    let began = Instant::now();
    let name = loop {
        let answer = asked(&slack, "alice", "/flink deploy orders 1.1.0").await;
        if let Some(name) = name_in(&answer) {
            break name;
        }
        assert!(answer.contains("who is in which group") && began.elapsed() < DEADLINE, "{answer}");
        tokio::time::sleep(LOOK).await;
    };
    // Without a running job and without a word of where to start from it ends at Plan.
    shown(&slack, &name, "*Untouched* in").await;
    bot.stop().await;
}
