//! What Slack shows of rollouts whose channel, application or record is not there, or not there any more.

use lockkeeper_slack_simulator::{Message, Outage, Simulator};
use serde_json::{Value, json};

use super::restarts::{ask, cards, ended};
use crate::fixture::{application, asked, parked, rollouts, shown, started};
use crate::support::{
    bot::{Bot, DEADLINE, simulator},
    sandbox::{Namespace, Sandbox, eventually},
};

fn set_channel(sandbox: &Sandbox, namespace: &Namespace, channel: &Value) {
    let patch = json!({"spec": {"channel": channel}}).to_string();
    sandbox.kubectl(&["-n", &namespace.name, "patch", "flinkapplication/orders", "--type=merge", "-p", &patch]);
}

async fn gone(sandbox: &Sandbox, namespace: &Namespace, what: &str) {
    let is_gone = || sandbox.try_kubectl(&["-n", &namespace.name, "get", what], None).is_err().then_some(());
    eventually(&format!("{what} is gone"), DEADLINE * 2, is_gone).await;
}

fn only_card(slack: &Simulator) -> Message {
    let mut all = cards(slack.view());
    assert_eq!(all.len(), 1, "{}", slack.view().render_all());
    all.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_rollout_is_shown_as_it_ended_on_the_card_that_it_had() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("deleted");
    parked(&sandbox, &namespace);
    application(&sandbox, &namespace, 1);
    let slack = simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    let name = started(&slack, "alice", "/flink deploy orders 1.1.0 from nothing").await;
    let request = shown(&slack, &name, "[Approve]").await;
    sandbox.kubectl(&["-n", &namespace.name, "delete", "flinkrollout", &name]);
    shown(&slack, &name, "*Untouched* in").await;
    let card = only_card(&slack);
    let as_it_ended = |view: &lockkeeper_slack_simulator::View<'_>| {
        let said = |ts: &str| view.message("deploys", ts).map(|message| view.render(&message));
        (said(&card.ts)?.contains("*Untouched*") && !said(&request.ts)?.contains("[Approve]")).then_some(())
    };
    slack.wait_for("the card as it ended, and no buttons", DEADLINE, as_it_ended).await.unwrap();
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_that_was_deleted_while_slack_was_away_gets_no_second_card() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("deletedaway");
    parked(&sandbox, &namespace);
    application(&sandbox, &namespace, 1);
    let slack = simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    let name = started(&slack, "alice", "/flink deploy orders 1.1.0 from nothing").await;
    shown(&slack, &name, "[Approve]").await;
    slack.go_away(Outage::Unavailable);
    sandbox.kubectl(&["-n", &namespace.name, "delete", "flinkrollout", &name]);
    // With all that was noted about its messages.
    gone(&sandbox, &namespace, &format!("configmap/{name}-slack")).await;
    slack.come_back();
    shown(&slack, &name, "*Untouched* in").await;
    only_card(&slack);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_can_be_named_late_and_corrected_and_outlives_its_application() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("channel");
    parked(&sandbox, &namespace);
    application(&sandbox, &namespace, 1);
    set_channel(&sandbox, &namespace, &Value::Null);
    let slack = simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    let told = asked(&slack, "alice", "/flink deploy orders 1.1.0").await;
    assert!(told.contains("`orders` has no `channel`"), "{told}");
    let name = crate::fixture::name_in(told.lines().next().unwrap()).unwrap();
    ended(&sandbox, &namespace).await;
    set_channel(&sandbox, &namespace, &json!("C0NOWHERE"));
    let tried = |_: &lockkeeper_slack_simulator::View<'_>| {
        slack.calls().iter().any(|call| call.outcome == "channel_not_found").then_some(())
    };
    slack.wait_for("a try to post to a channel that is not there", DEADLINE, tried).await.unwrap();
    set_channel(&sandbox, &namespace, &json!("C0DEPLOYS"));
    shown(&slack, &name, "*Untouched* in").await;

    // Its channel is noted, nothing is posted, and its application is gone when Slack is back.
    slack.go_away(Outage::Unavailable);
    ask(&sandbox, &namespace, "orphan");
    ended(&sandbox, &namespace).await;
    let noted = || sandbox.try_kubectl(&["-n", &namespace.name, "get", "configmap/orphan-slack"], None).ok();
    eventually("the note", DEADLINE, noted).await;
    sandbox.kubectl(&["-n", &namespace.name, "delete", "flinkapplication", "orders"]);
    bot.kill().await;
    slack.come_back();
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    shown(&slack, "orphan", "*Untouched* in").await;
    assert_eq!(cards(slack.view()).len(), 2, "{}", slack.view().render_all());
    assert_eq!(rollouts(&sandbox, &namespace).len(), 2);
    bot.stop().await;
}
