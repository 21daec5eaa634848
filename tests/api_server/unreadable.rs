//! Objects that the API server stores and this version of Lockkeeper cannot read, as another version may write them.

use serde_json::json;

use crate::bot_client::{bot_client, write_status};
use crate::support::{
    bot::{Bot, DEADLINE},
    bot_process::BotProcess,
    fixtures::{
        flink_application::flink_application,
        flink_rollout::{administrator, deploy_request},
        parked_orders::apply_parked_orders,
    },
    refused_rollouts::{wait_until_released, wait_until_untouched},
    sandbox::{Sandbox, eventually},
    simulator::start_simulator,
};

/// The kinds have no upper limit for these numbers, and Lockkeeper reads 32 bits.
const TOO_LARGE: u64 = 5_000_000_000;

fn names_as_unreadable(log: &str, object: &str) -> Option<()> {
    let quoted = format!(r#""{object}""#);
    log.lines().any(|line| line.contains("cannot read") && line.contains(&quoted)).then_some(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_cannot_be_read_is_named_and_stops_no_other() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("unreadable");
    let client = bot_client(&sandbox).await;
    sandbox.apply(&namespace.name, &flink_application("orders", "/none", &json!({})));
    sandbox.apply(&namespace.name, &flink_application("broken", "/none", &json!({})));
    write_status(&client, &namespace, ("FlinkApplication", "broken"), &json!({"lastSequence": TOO_LARGE})).await;
    sandbox.apply(&namespace.name, &deploy_request(&sandbox, "odd", "orders", "1.0.0"));
    write_status(&client, &namespace, ("FlinkRollout", "odd"), &json!({"attempt": TOO_LARGE})).await;

    let slack = start_simulator().await;
    let mut bot = BotProcess::new(&sandbox, &namespace.name, &slack);
    bot.start();
    bot.wait_until_started().await;
    sandbox.apply(&namespace.name, &deploy_request(&sandbox, "plain", "orders", "1.0.0"));
    wait_until_untouched(&sandbox, &namespace, "plain", DEADLINE).await;
    eventually("the rollout in the log", DEADLINE, || names_as_unreadable(&bot.log(), "odd")).await;
    let left = sandbox.get_json(&namespace.name, "flinkrollout/odd");
    assert_eq!(left.pointer("/status/result"), None, "{left}");
    assert_eq!(left.pointer("/metadata/finalizers"), None, "{left}");

    sandbox.apply(&namespace.name, &deploy_request(&sandbox, "of-broken", "broken", "1.0.0"));
    let message = wait_until_untouched(&sandbox, &namespace, "of-broken", DEADLINE).await;
    assert!(message.contains("cannot read the FlinkApplication broken"), "{message}");
    eventually("the application in the log", DEADLINE, || names_as_unreadable(&bot.log(), "broken")).await;
}

/// As after a change of a value by hand. The plan has all that the rollout needs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_with_a_plan_goes_on_without_its_application() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("planned");
    let client = bot_client(&sandbox).await;
    apply_parked_orders(&sandbox, &namespace, 1);
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    let mut request = deploy_request(&sandbox, "planned", "orders", "1.1.0");
    request["spec"]["request"]["startFrom"] = json!({"from": "Nothing"});
    sandbox.apply(&namespace.name, &request);
    eventually("a plan that waits for approval", DEADLINE, || {
        let rollout = sandbox.get_json(&namespace.name, "flinkrollout/planned");
        assert_eq!(rollout.pointer("/status/result"), None, "{rollout}");
        (rollout.pointer("/status/stage") == Some(&json!("Approve"))).then_some(())
    })
    .await;
    let sequence = |number: u64| json!({ "lastSequence": number });
    write_status(&client, &namespace, ("FlinkApplication", "orders"), &sequence(TOO_LARGE)).await;
    let decision = json!({"id": "a", "kind": "Abort", "by": administrator(&sandbox), "at": "2026-01-01T00:00:00Z"});
    let patch = json!({"spec": {"decisions": [decision]}}).to_string();
    sandbox.kubectl(&["-n", &namespace.name, "patch", "flinkrollout", "planned", "--type=merge", "-p", &patch]);
    let message = wait_until_untouched(&sandbox, &namespace, "planned", DEADLINE).await;
    assert!(message.contains("aborted by"), "{message}");

    // The next rollout releases the claim that could not be released then.
    write_status(&client, &namespace, ("FlinkApplication", "orders"), &sequence(1)).await;
    sandbox.apply(&namespace.name, &deploy_request(&sandbox, "next", "orders", "0.0.0"));
    wait_until_untouched(&sandbox, &namespace, "next", DEADLINE).await;
    wait_until_released(&sandbox, &namespace, "orders").await;
    bot.stop().await;
}
