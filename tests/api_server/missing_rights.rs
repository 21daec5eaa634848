//! A right of the bot that was taken away. What needs it ends with a sentence that names the right.

use serde_json::{Value, json};

use crate::support::{
    bot::{Bot, DEADLINE},
    fixtures::{flink_application::flink_application, flink_rollout::deploy_request},
    refused_rollouts::wait_until_untouched,
    sandbox::{Namespace, Sandbox},
    simulator::start_simulator,
};

/// Takes every right on a resource out of the bot's Role.
fn take_away(sandbox: &Sandbox, namespace: &Namespace, resource: &str) {
    let mut role = sandbox.get_json(&namespace.name, "role/lockkeeper");
    let rules = role["rules"].as_array_mut().unwrap();
    let before = rules.len();
    rules.retain(|rule| rule["resources"] != json!([resource]));
    assert!(rules.len() < before, "the Role has no rule for {resource}");
    sandbox.apply(&namespace.name, &role);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_is_refused_ends_and_names_the_missing_right() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("claim");
    take_away(&sandbox, &namespace, "flinkapplications/status");
    sandbox.apply(&namespace.name, &flink_application("orders", "/none", &json!({})));
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    sandbox.apply(&namespace.name, &deploy_request(&sandbox, "refused", "orders", "1.0.0"));
    let message = wait_until_untouched(&sandbox, &namespace, "refused", DEADLINE).await;
    println!("---- {message}");
    let missing = r#"cannot patch resource "flinkapplications/status""#;
    assert!(message.contains("FlinkApplication orders") && message.contains(missing), "{message}");
    let application: Value = sandbox.get_json(&namespace.name, "flinkapplication/orders");
    assert_eq!(application.pointer("/metadata/finalizers"), None, "nobody would take it off again");
    bot.stop().await;
}
