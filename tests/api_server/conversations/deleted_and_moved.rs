//! Cards and threads of rollouts whose channel is missing or changed, or whose application or record was deleted.

use lockkeeper_slack_simulator::{Message, Outage, Simulator};
use serde_json::{Value, json};

use crate::slack::{list_cards, run_command, start_rollout, wait_for_message};
use crate::support::{
    bot::{Bot, DEADLINE},
    fixtures::parked_orders::{apply_parked_orders, list_rollouts, request_rollout, wait_until_all_ended},
    sandbox::{Namespace, Sandbox, eventually},
    simulator::start_simulator,
    slack_user::rollout_name_in,
};

fn set_channel(sandbox: &Sandbox, namespace: &Namespace, channel: &Value) {
    let patch = json!({"spec": {"channel": channel}}).to_string();
    sandbox.kubectl(&["-n", &namespace.name, "patch", "flinkapplication/orders", "--type=merge", "-p", &patch]);
}

async fn wait_until_deleted(sandbox: &Sandbox, namespace: &Namespace, what: &str) {
    let is_deleted = || sandbox.try_kubectl(&["-n", &namespace.name, "get", what], None).is_err().then_some(());
    eventually(&format!("{what} is deleted"), DEADLINE * 2, is_deleted).await;
}

fn only_card(slack: &Simulator) -> Message {
    let mut all = list_cards(slack.view());
    assert_eq!(all.len(), 1, "{}", slack.view().render_all());
    all.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_card_of_a_deleted_rollout_shows_how_it_ended() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("deleted");
    apply_parked_orders(&sandbox, &namespace, 1);
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    let name = start_rollout(&slack, "alice", "/flink deploy orders 1.1.0 from nothing").await;
    let request = wait_for_message(&slack, &name, "[Approve]").await;
    sandbox.kubectl(&["-n", &namespace.name, "delete", "flinkrollout", &name]);
    wait_for_message(&slack, &name, "*Untouched* in").await;
    let card = only_card(&slack);
    let shows_end = |view: &lockkeeper_slack_simulator::View<'_>| {
        let render = |ts: &str| view.message("deploys", ts).map(|message| view.render(&message));
        (render(&card.ts)?.contains("*Untouched*") && !render(&request.ts)?.contains("[Approve]")).then_some(())
    };
    slack.wait_for("the card as it ended, and no buttons", DEADLINE, shows_end).await.unwrap();
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_deleted_during_an_outage_of_slack_gets_no_second_card() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("deletedaway");
    apply_parked_orders(&sandbox, &namespace, 1);
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    let name = start_rollout(&slack, "alice", "/flink deploy orders 1.1.0 from nothing").await;
    wait_for_message(&slack, &name, "[Approve]").await;
    slack.go_away(Outage::Unavailable);
    sandbox.kubectl(&["-n", &namespace.name, "delete", "flinkrollout", &name]);
    // This ConfigMap keeps what was posted about the rollout.
    wait_until_deleted(&sandbox, &namespace, &format!("configmap/{name}-slack")).await;
    slack.come_back();
    wait_for_message(&slack, &name, "*Untouched* in").await;
    only_card(&slack);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_can_be_set_late_corrected_and_outlives_its_application() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("channel");
    apply_parked_orders(&sandbox, &namespace, 1);
    set_channel(&sandbox, &namespace, &Value::Null);
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    let answer = run_command(&slack, "alice", "/flink deploy orders 1.1.0").await;
    assert!(answer.contains("`orders` has no `channel`"), "{answer}");
    let name = rollout_name_in(answer.lines().next().unwrap()).unwrap();
    wait_until_all_ended(&sandbox, &namespace).await;
    set_channel(&sandbox, &namespace, &json!("C0NOWHERE"));
    let called = |_: &lockkeeper_slack_simulator::View<'_>| {
        slack.calls().iter().any(|call| call.outcome == "channel_not_found").then_some(())
    };
    slack.wait_for("a try to post to a channel that is not there", DEADLINE, called).await.unwrap();
    set_channel(&sandbox, &namespace, &json!("C0DEPLOYS"));
    wait_for_message(&slack, &name, "*Untouched* in").await;

    // The channel is recorded, nothing is posted yet, and the application is deleted before Slack is back.
    slack.go_away(Outage::Unavailable);
    request_rollout(&sandbox, &namespace, "orphan");
    wait_until_all_ended(&sandbox, &namespace).await;
    let recorded = || sandbox.try_kubectl(&["-n", &namespace.name, "get", "configmap/orphan-slack"], None).ok();
    eventually("the record of the channel", DEADLINE, recorded).await;
    sandbox.kubectl(&["-n", &namespace.name, "delete", "flinkapplication", "orders"]);
    bot.kill().await;
    slack.come_back();
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    wait_for_message(&slack, "orphan", "*Untouched* in").await;
    assert_eq!(list_cards(slack.view()).len(), 2, "{}", slack.view().render_all());
    assert_eq!(list_rollouts(&sandbox, &namespace).len(), 2);
    bot.stop().await;
}
