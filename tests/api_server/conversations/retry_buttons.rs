//! An end that offers other start states, and the button that asks for one.

use lockkeeper_slack_simulator::Click;
use serde_json::json;

use crate::fixture::{CHANNEL, application, asked, name_in, parked, rollouts, shown, started, told};
use crate::support::{
    bot::{Bot, simulator},
    sandbox::Sandbox,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_start_state_is_one_click_away() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("again");
    parked(&sandbox, &namespace);
    application(&sandbox, &namespace, 1);
    let slack = simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    let first = started(&slack, "alice", "/flink deploy orders 1.1.0 R&D asked for it").await;
    let end = shown(&slack, &first, "[Start from nothing]").await;
    let retry = |user: &str| Click::new(user, CHANNEL, &end.ts, "rollout.retry.0");

    slack.click(&retry("carol")).await.unwrap();
    told(&slack, "carol", "You may not deploy this application").await;
    assert_eq!(rollouts(&sandbox, &namespace).len(), 1);

    slack.click_repeated(&retry("bob")).await.unwrap();
    let answer = told(&slack, "bob", "On it: orders to 1.1.0, starting from nothing").await;
    let again = name_in(&answer).unwrap();
    assert_eq!(rollouts(&sandbox, &namespace).len(), 2, "one click, however often it was delivered");
    let rollout = sandbox.get_json(&namespace.name, &format!("flinkrollout/{again}"));
    assert_eq!(
        rollout["spec"]["request"],
        json!({
            "application": "orders", "by": "slack:T0LOCK/U0BOB", "kind": "Deploy", "version": "1.1.0",
            "reason": format!("instead of {first}: R&D asked for it"), "startFrom": {"from": "Nothing"},
        })
    );

    // It is planned like any other, and whoever approves sees where it starts from.
    let request = shown(&slack, &again, "starting from nothing").await;
    assert!(slack.view().render(&request).contains("[Approve]"));
    slack.click(&Click::new("bob", CHANNEL, &request.ts, "rollout.approve")).await.unwrap();
    told(&slack, "bob", "You asked for this rollout").await;
    asked(&slack, "bob", &format!("/flink abort {again}")).await;
    shown(&slack, &again, "*Untouched* in").await;
    bot.stop().await;
}
