//! A rollout that ended Untouched offers other start states. A button for each one starts a new rollout.

use lockkeeper_slack_simulator::Click;
use serde_json::json;

use crate::slack::{run_command, start_rollout, wait_for_answer, wait_for_message};
use crate::support::{
    bot::{Bot, CHANNEL},
    fixtures::parked_orders::{apply_parked_orders, list_rollouts},
    sandbox::Sandbox,
    simulator::start_simulator,
    slack_user::rollout_name_in,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_button_starts_a_rollout_from_another_start_state() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("retry");
    apply_parked_orders(&sandbox, &namespace, 1);
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    let first = start_rollout(&slack, "alice", "/flink deploy orders 1.1.0 R&D asked for it").await;
    let end = wait_for_message(&slack, &first, "[Start from nothing]").await;
    let retry = |user: &str| Click::new(user, CHANNEL, &end.ts, "rollout.retry.0");

    slack.click(&retry("carol")).await.unwrap();
    wait_for_answer(&slack, "carol", "You may not deploy this application").await;
    assert_eq!(list_rollouts(&sandbox, &namespace).len(), 1);

    slack.click_repeated(&retry("bob")).await.unwrap();
    let answer = wait_for_answer(&slack, "bob", "On it: orders to 1.1.0, starting from nothing").await;
    let retried = rollout_name_in(&answer).unwrap();
    assert_eq!(list_rollouts(&sandbox, &namespace).len(), 2, "one click, however often it was delivered");
    let rollout = sandbox.get_json(&namespace.name, &format!("flinkrollout/{retried}"));
    assert_eq!(
        rollout["spec"]["request"],
        json!({
            "application": "orders", "by": "slack:T0LOCK/U0BOB", "kind": "Deploy", "version": "1.1.0",
            "reason": format!("instead of {first}: R&D asked for it"), "startFrom": {"from": "Nothing"},
        })
    );

    // It is planned like any other rollout, and its approvers read where it starts from.
    let request = wait_for_message(&slack, &retried, "starting from nothing").await;
    assert!(slack.view().render(&request).contains("[Approve]"));
    slack.click(&Click::new("bob", CHANNEL, &request.ts, "rollout.approve")).await.unwrap();
    wait_for_answer(&slack, "bob", "You asked for this rollout").await;
    run_command(&slack, "bob", &format!("/flink abort {retried}")).await;
    wait_for_message(&slack, &retried, "*Untouched* in").await;
    bot.stop().await;
}
