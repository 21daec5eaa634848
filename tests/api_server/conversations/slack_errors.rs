//! A Slack that refuses, that wants calls later, and that loses answers: the bot lives on and says everything once.

use std::collections::BTreeSet;

use lockkeeper_slack_simulator::{Config, Failure, Simulator, scopes_of};

use super::restarts::{ask, cards, ended, posted};
use crate::fixture::{CHANNEL, application, parked, shown};
use crate::support::{
    bot::{Bot, simulator},
    sandbox::Sandbox,
};

fn refused(code: &str) -> Failure {
    Failure::Error { code: code.to_owned() }
}

fn outcomes(slack: &Simulator, outcome: &str) -> usize {
    slack.calls().iter().filter(|call| call.outcome == outcome).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slack_that_refuses_at_start_ends_nothing() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("refused");
    parked(&sandbox, &namespace);
    application(&sandbox, &namespace, 1);
    let slack = simulator().await;
    slack.fail("auth.test", 1, &refused("internal_error"));
    slack.fail("auth.test", 1, &refused("account_inactive"));
    slack.fail("apps.connections.open", 1, &refused("fatal_error"));
    ask(&sandbox, &namespace, "unimpressed");
    // The rollout goes on whatever Slack says; the bot is connected once it says yes.
    let (bot, ()) = tokio::join!(Bot::start(&sandbox, &namespace.name, &slack), ended(&sandbox, &namespace));
    assert_eq!(slack.failures_pending(), 0);
    shown(&slack, "unimpressed", "*Untouched* in").await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_asked_to_wait_says_nothing_until_then() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("quiet");
    parked(&sandbox, &namespace);
    application(&sandbox, &namespace, 1);
    let slack = simulator().await;
    for method in ["chat.postMessage", "chat.update"] {
        slack.fail(method, 1, &Failure::RateLimited { seconds: 3 });
    }
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    // The simulator answers each call that comes too early in the same way.
    let names = ["first", "second", "third"];
    for name in names {
        ask(&sandbox, &namespace, name);
    }
    for name in names {
        shown(&slack, name, "*Untouched* in").await;
    }
    assert!(outcomes(&slack, "ratelimited") <= 2, "{:?}", slack.calls());
    assert!(outcomes(&slack, "ratelimited") > 0, "nothing was limited");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_card_is_found_below_all_that_was_written_since_with_no_scope_too_many() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("buried");
    parked(&sandbox, &namespace);
    application(&sandbox, &namespace, 1);
    let slack = simulator().await;
    slack.fail("chat.postMessage", 1, &Failure::SilentAfter);
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    ask(&sandbox, &namespace, "buried");
    ended(&sandbox, &namespace).await;
    posted(&slack, 1).await;
    bot.kill().await;
    // More than fits on a page, and nothing of ours among it.
    for number in 0..450 {
        slack.say("alice", CHANNEL, &format!("small talk {number}"), None).unwrap();
    }
    slack.clear_failures();
    slack.fail("chat.postMessage", 1, &Failure::SilentAfter);
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    posted(&slack, 452).await;
    bot.kill().await;
    slack.clear_failures();
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    shown(&slack, "buried", "*Untouched* in").await;
    bot.stop().await;
    let ours = cards(slack.view()).into_iter().filter(|card| card.bot_id.is_some()).count();
    assert_eq!(ours, 1, "{}", slack.view().render_all());

    // All that the bot asks of Slack was asked in this conversation: the manifest's scopes are those of these calls, and of its command.
    let called: BTreeSet<String> = slack.calls().into_iter().map(|call| call.method).collect();
    let needed = called.iter().flat_map(|method| scopes_of(method).unwrap_or_default()).copied();
    let needed: BTreeSet<&str> = needed.chain(["commands"]).collect();
    let manifest = Config::new().unwrap().manifest;
    let granted: BTreeSet<&str> = manifest.bot_scopes().iter().map(String::as_str).collect();
    assert_eq!(granted, needed, "slack-app.yaml asks for what these need: {called:?}");
}
