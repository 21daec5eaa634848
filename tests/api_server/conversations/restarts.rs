//! A bot that ends in the middle of a thread, and the next one: no line twice, none missing.

use std::collections::BTreeSet;

use lockkeeper_slack_simulator::{Failure, Message, Simulator, View};
use serde_json::json;

use crate::fixture::{CHANNEL, application, parked, rollouts, shown};
use crate::support::{
    bot::{Bot, DEADLINE, simulator},
    sandbox::{Namespace, Sandbox, eventually},
};

/// A rollout that ends at Plan, asked for by kubectl.
pub fn ask(sandbox: &Sandbox, namespace: &Namespace, name: &str) {
    let user = sandbox.kubectl(&["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"]);
    sandbox.apply(&namespace.name, &json!({
        "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkRollout", "metadata": {"name": name},
        "spec": {"request": {"application": "orders", "by": format!("kubernetes:{user}"), "kind": "Deploy", "version": "1.1.0"}},
    }));
}

pub async fn ended(sandbox: &Sandbox, namespace: &Namespace) {
    eventually("the end", DEADLINE, || {
        rollouts(sandbox, namespace).iter().all(|rollout| rollout.pointer("/status/result").is_some()).then_some(())
    })
    .await;
}

pub fn cards(view: View<'_>) -> Vec<Message> {
    view.channel(CHANNEL).into_iter().filter(|message| !message.is_reply()).collect()
}

/// Waits until there are this many messages that the bot does not know to be there, since the answer was lost.
pub async fn posted(slack: &Simulator, messages: usize) {
    let find = |view: &View<'_>| {
        let all: usize = cards(*view).iter().map(|card| view.thread(CHANNEL, &card.ts).len()).sum();
        (all >= messages).then_some(())
    };
    slack.wait_for("a message whose answer was lost", DEADLINE, find).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_survives_bots_that_end_between_post_and_record() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("restarts");
    parked(&sandbox, &namespace);
    application(&sandbox, &namespace, 1);
    let slack = simulator().await;

    // Killed after its card is in Slack, before it knows; then stopped in the same way after the first line.
    slack.fail("chat.postMessage", 1, &Failure::SilentAfter);
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    ask(&sandbox, &namespace, "interrupted");
    ended(&sandbox, &namespace).await;
    posted(&slack, 1).await;
    bot.kill().await;
    slack.clear_failures();
    slack.fail("chat.postMessage", 1, &Failure::SilentAfter);
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    posted(&slack, 2).await;
    bot.stop().await;
    slack.clear_failures();
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    shown(&slack, "interrupted", "*Untouched* in").await;
    // The same again without interruptions: both threads say the same.
    ask(&sandbox, &namespace, "whole");
    shown(&slack, "whole", "*Untouched* in").await;
    bot.stop().await;

    let view = slack.view();
    let cards = cards(view);
    assert_eq!(cards.len(), 2, "one card for each:\n{}", view.render_all());
    let lines = |card: &Message| view.thread(CHANNEL, &card.ts);
    assert_eq!(lines(&cards[0]).len(), lines(&cards[1]).len(), "{}", view.render_all());
    let keys: BTreeSet<String> =
        lines(&cards[0]).iter().map(|line| line.metadata_value("op").unwrap().to_owned()).collect();
    assert_eq!(keys.len(), lines(&cards[0]).len(), "a line is there twice:\n{}", view.render_all());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_made_anew_under_its_name_gets_a_thread_of_its_own() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("anew");
    parked(&sandbox, &namespace);
    application(&sandbox, &namespace, 1);
    let slack = simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    ask(&sandbox, &namespace, "same");
    shown(&slack, "same", "*Untouched* in").await;
    // What was posted outlives its rollout for a while, here for good.
    sandbox.kubectl(&["-n", &namespace.name, "delete", "flinkrollout", "same", "--cascade=orphan"]);
    ask(&sandbox, &namespace, "same");
    let both = |view: &View<'_>| {
        let threads: Vec<String> = cards(*view).iter().map(|card| view.render_thread(CHANNEL, &card.ts)).collect();
        (threads.len() == 2 && threads.iter().all(|thread| thread.contains("*Untouched* in"))).then_some(())
    };
    slack.wait_for("a second card with its thread", DEADLINE, both).await.unwrap();

    // The longest name that a rollout can have.
    let long = format!("{}.{}", "a".repeat(63), "b".repeat(189));
    ask(&sandbox, &namespace, &long);
    shown(&slack, &long, "*Untouched* in").await;
    bot.stop().await;
}
