//! A bot that ends in the middle of a thread, and its successor: no line is missing and none is there twice.

use std::collections::BTreeSet;

use lockkeeper_slack_simulator::{Failure, Message, View};
use serde_json::json;

use crate::slack::{list_cards, wait_for_message, wait_for_messages};
use crate::support::{
    bot::{Bot, CHANNEL, DEADLINE},
    fixtures::parked_orders::{apply_parked_orders, request_rollout, wait_until_all_ended},
    sandbox::{Sandbox, eventually},
    simulator::start_simulator,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_line_is_posted_once_although_bots_end_between_post_and_record() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("restarts");
    apply_parked_orders(&sandbox, &namespace, 1);
    let slack = start_simulator().await;

    // The first bot is killed after Slack has its card, before it records that. The second one is stopped likewise after the first line.
    slack.fail("chat.postMessage", 1, &Failure::SilentAfter);
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    request_rollout(&sandbox, &namespace, "interrupted");
    wait_until_all_ended(&sandbox, &namespace).await;
    wait_for_messages(&slack, 1).await;
    bot.kill().await;
    slack.clear_failures();
    slack.fail("chat.postMessage", 1, &Failure::SilentAfter);
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    wait_for_messages(&slack, 2).await;
    bot.stop().await;
    slack.clear_failures();
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    wait_for_message(&slack, "interrupted", "*Untouched* in").await;
    // A second rollout without interruptions must have as many lines.
    request_rollout(&sandbox, &namespace, "whole");
    wait_for_message(&slack, "whole", "*Untouched* in").await;
    bot.stop().await;

    let view = slack.view();
    let cards = list_cards(view);
    assert_eq!(cards.len(), 2, "one card for each:\n{}", view.render_all());
    let lines = |card: &Message| view.thread(CHANNEL, &card.ts);
    assert_eq!(lines(&cards[0]).len(), lines(&cards[1]).len(), "{}", view.render_all());
    let keys: BTreeSet<String> =
        lines(&cards[0]).iter().map(|line| line.metadata_value("op").unwrap().to_owned()).collect();
    assert_eq!(keys.len(), lines(&cards[0]).len(), "a line is there twice:\n{}", view.render_all());
}

/// A later version words its messages otherwise and has other lines. It leaves the threads of ended rollouts as they are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_thread_of_an_ended_rollout_is_never_touched_again() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("history");
    apply_parked_orders(&sandbox, &namespace, 1);
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    request_rollout(&sandbox, &namespace, "ended");
    wait_for_message(&slack, "ended", "*Untouched* in").await;
    let whole = || sandbox.get_json(&namespace.name, "configmap/ended-slack").pointer("/data/whole").map(|_| ());
    eventually("it is noted that the thread is whole", DEADLINE, whole).await;
    bot.stop().await;

    let other_words = json!({"data": {"card": json!({"ts": list_cards(slack.view())[0].ts, "digest": "0"}).to_string(), "stage-0": null}});
    let patch = other_words.to_string();
    sandbox.kubectl(&["-n", &namespace.name, "patch", "configmap/ended-slack", "--type=merge", "-p", &patch]);
    let before = slack.view().render_thread(CHANNEL, &list_cards(slack.view())[0].ts);
    slack.forget_calls();
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    request_rollout(&sandbox, &namespace, "next");
    wait_for_message(&slack, "next", "*Untouched* in").await;
    let next_is_whole = || sandbox.get_json(&namespace.name, "configmap/next-slack").pointer("/data/whole").map(|_| ());
    eventually("a pass over both rollouts has ended", DEADLINE, next_is_whole).await;
    bot.stop().await;
    let ended = list_cards(slack.view()).into_iter().find(|card| before.contains(&slack.view().render(card))).unwrap();
    assert_eq!(slack.view().render_thread(CHANNEL, &ended.ts), before);
    let touched = slack.calls().into_iter().filter(|call| call.arguments.to_string().contains(&ended.ts)).count();
    assert_eq!(touched, 0, "nothing was asked about the old thread");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recreated_rollout_gets_its_own_thread() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("anew");
    apply_parked_orders(&sandbox, &namespace, 1);
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    request_rollout(&sandbox, &namespace, "same");
    wait_for_message(&slack, "same", "*Untouched* in").await;
    // Here the record of what was posted outlives its rollout.
    sandbox.kubectl(&["-n", &namespace.name, "delete", "flinkrollout", "same", "--cascade=orphan"]);
    request_rollout(&sandbox, &namespace, "same");
    let both = |view: &View<'_>| {
        let threads: Vec<String> = list_cards(*view).iter().map(|card| view.render_thread(CHANNEL, &card.ts)).collect();
        (threads.len() == 2 && threads.iter().all(|thread| thread.contains("*Untouched* in"))).then_some(())
    };
    slack.wait_for("a second card with its thread", DEADLINE, both).await.unwrap();

    // The longest name that a rollout can have.
    let long = format!("{}.{}", "a".repeat(63), "b".repeat(189));
    request_rollout(&sandbox, &namespace, &long);
    wait_for_message(&slack, &long, "*Untouched* in").await;
    bot.stop().await;
}
