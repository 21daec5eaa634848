//! A Slack that refuses calls, limits their rate, or loses answers: the bot keeps running and posts everything once.

use std::collections::BTreeSet;

use lockkeeper_slack_simulator::{Config, Failure, Simulator, scopes_of};

use crate::slack::{list_cards, wait_for_message, wait_for_messages};
use crate::support::{
    bot::{Bot, CHANNEL},
    fixtures::parked_orders::{apply_parked_orders, request_rollout, wait_until_all_ended},
    sandbox::Sandbox,
    simulator::start_simulator,
};

fn error(code: &str) -> Failure {
    Failure::Error { code: code.to_owned() }
}

fn count_outcomes(slack: &Simulator, outcome: &str) -> usize {
    slack.calls().iter().filter(|call| call.outcome == outcome).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_of_slack_at_the_start_do_not_end_the_bot() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("refused");
    apply_parked_orders(&sandbox, &namespace, 1);
    let slack = start_simulator().await;
    slack.fail("auth.test", 1, &error("internal_error"));
    slack.fail("auth.test", 1, &error("account_inactive"));
    slack.fail("apps.connections.open", 1, &error("fatal_error"));
    request_rollout(&sandbox, &namespace, "unimpressed");
    // The rollout continues without Slack. The bot connects once Slack accepts it.
    let (bot, ()) =
        tokio::join!(Bot::start(&sandbox, &namespace.name, &slack), wait_until_all_ended(&sandbox, &namespace));
    assert_eq!(slack.failures_pending(), 0);
    wait_for_message(&slack, "unimpressed", "*Untouched* in").await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_limited_bot_waits_as_long_as_slack_says() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("quiet");
    apply_parked_orders(&sandbox, &namespace, 1);
    let slack = start_simulator().await;
    for method in ["chat.postMessage", "chat.update"] {
        slack.fail(method, 1, &Failure::RateLimited { seconds: 3 });
    }
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    // The simulator answers each call that comes too early in the same way.
    let names = ["first", "second", "third"];
    for name in names {
        request_rollout(&sandbox, &namespace, name);
    }
    for name in names {
        wait_for_message(&slack, name, "*Untouched* in").await;
    }
    assert!(count_outcomes(&slack, "ratelimited") <= 2, "{:?}", slack.calls());
    assert!(count_outcomes(&slack, "ratelimited") > 0, "nothing was limited");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_card_is_found_below_later_messages_with_the_granted_scopes() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("buried");
    apply_parked_orders(&sandbox, &namespace, 1);
    let slack = start_simulator().await;
    slack.fail("chat.postMessage", 1, &Failure::SilentAfter);
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    request_rollout(&sandbox, &namespace, "buried");
    wait_until_all_ended(&sandbox, &namespace).await;
    wait_for_messages(&slack, 1).await;
    bot.kill().await;
    // More than one page of messages of other people.
    for number in 0..450 {
        slack.say("alice", CHANNEL, &format!("small talk {number}"), None).unwrap();
    }
    slack.clear_failures();
    slack.fail("chat.postMessage", 1, &Failure::SilentAfter);
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    wait_for_messages(&slack, 452).await;
    bot.kill().await;
    slack.clear_failures();
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    wait_for_message(&slack, "buried", "*Untouched* in").await;
    bot.stop().await;
    let ours = list_cards(slack.view()).into_iter().filter(|card| card.bot_id.is_some()).count();
    assert_eq!(ours, 1, "{}", slack.view().render_all());

    // This test makes every kind of call that the bot makes, so the manifest's scopes are those of these calls and of the command.
    let called: BTreeSet<String> = slack.calls().into_iter().map(|call| call.method).collect();
    let needed = called.iter().flat_map(|method| scopes_of(method).unwrap_or_default()).copied();
    let needed: BTreeSet<&str> = needed.chain(["commands"]).collect();
    let manifest = Config::new().unwrap().manifest;
    let granted: BTreeSet<&str> = manifest.bot_scopes().iter().map(String::as_str).collect();
    assert_eq!(granted, needed, "slack-app.yaml asks for what these need: {called:?}");
}
