//! The Lease of a namespace: which changes end the bot, and which must not.

use std::time::Duration;

use lockkeeper::record::Lease;
use serde_json::{Value, json};

use crate::bot_client::bot_client;
use crate::support::{
    bot::{Bot, DEADLINE},
    fixtures::{flink_application::flink_application, flink_rollout::deploy_request},
    refused_rollouts::wait_until_untouched,
    sandbox::{Namespace, Sandbox, eventually},
    simulator::start_simulator,
};

const END_TIMEOUT: Duration = Duration::from_secs(120);

fn patch_lease(sandbox: &Sandbox, namespace: &Namespace, patch: &Value) {
    let patch = patch.to_string();
    sandbox.kubectl(&["-n", &namespace.name, "patch", "lease", "lockkeeper", "--type=merge", "-p", &patch]);
}

/// A write whose answer was lost changes the Lease in the same way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_changed_under_our_identity_is_still_held() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("touched");
    sandbox.apply(&namespace.name, &flink_application("orders", "/nowhere", &json!({})));
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    patch_lease(&sandbox, &namespace, &json!({"metadata": {"annotations": {"touched": "yes"}}}));
    let lease = || sandbox.get_json(&namespace.name, "lease/lockkeeper");
    let renewed = lease()["spec"]["renewTime"].clone();
    eventually("the lease is renewed after the change", DEADLINE, || {
        (lease()["spec"]["renewTime"] != renewed).then_some(())
    })
    .await;
    sandbox.apply(&namespace.name, &deploy_request(&sandbox, "after", "orders", "1.0.0"));
    wait_until_untouched(&sandbox, &namespace, "after", END_TIMEOUT).await;
    bot.stop().await;
}

/// Such a write may arrive after the successor has read the Lease for the first time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_write_of_an_ended_process_does_not_block_its_successor() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("late");
    let held = json!({"holderIdentity": "gone", "leaseDurationSeconds": 3, "leaseTransitions": 7});
    sandbox.apply(
        &namespace.name,
        &json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "lockkeeper"}, "spec": held,
        }),
    );
    let client = bot_client(&sandbox).await;
    let name = namespace.name.clone();
    let acquired = tokio::spawn(async move { Lease::acquire(client, &name, "next", Duration::from_secs(3), 0).await });
    patch_lease(&sandbox, &namespace, &json!({"metadata": {"annotations": {"late": "yes"}}}));
    let lease = acquired.await.unwrap().map_err(|error| error.to_string()).map(|lease| lease.epoch());
    assert_eq!(lease, Ok(8));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_taken_by_another_process_ends_the_bot() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("taken");
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    patch_lease(&sandbox, &namespace, &json!({"spec": {"holderIdentity": "somebody-else"}}));
    let why = bot.wait_for_error().await;
    assert!(why.contains("was taken by another process"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn epochs_continue_after_the_lease_was_deleted() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("epochs");
    sandbox.apply(&namespace.name, &flink_application("orders", "/nowhere", &json!({})));
    let slack = start_simulator().await;
    let mut epochs = Vec::new();
    for name in ["first", "second", "third"] {
        let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
        sandbox.apply(&namespace.name, &deploy_request(&sandbox, name, "orders", "1.0.0"));
        wait_until_untouched(&sandbox, &namespace, name, END_TIMEOUT).await;
        let rollout = sandbox.get_json(&namespace.name, &format!("flinkrollout/{name}"));
        epochs.push(rollout.pointer("/status/epoch").unwrap().as_i64().unwrap());
        bot.stop().await;
        if name == "second" {
            sandbox.kubectl(&["-n", &namespace.name, "delete", "lease", "lockkeeper"]);
        }
    }
    assert!(epochs.windows(2).all(|pair| pair[0] < pair[1]), "{epochs:?}");
}
