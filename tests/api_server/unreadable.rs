//! Objects that the API server stores and this version of Lockkeeper cannot read, as another version may write them.

use serde_json::json;

use crate::bot_client::{bot_client, write_status};
use crate::support::{
    bot::DEADLINE,
    bot_process::BotProcess,
    fixtures::{flink_application::flink_application, flink_rollout::deploy_request},
    refused_rollouts::wait_until_untouched,
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
