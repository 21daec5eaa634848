//! The right to act in a namespace: what takes it away, and what must not.

use std::time::Duration;

use lockkeeper::record::Lease;
use serde_json::{Value, json};

use crate::support::{
    bot::{Bot, DEADLINE, simulator},
    refusals::{application, deploy, refused},
    sandbox::{Namespace, Sandbox, eventually},
};

const ENDED: Duration = Duration::from_secs(120);

fn patched(sandbox: &Sandbox, namespace: &Namespace, patch: &Value) {
    let patch = patch.to_string();
    sandbox.kubectl(&["-n", &namespace.name, "patch", "lease", "lockkeeper", "--type=merge", "-p", &patch]);
}

/// A write that arrived although its answer did not moves the Lease on just so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_moved_on_in_our_own_name_is_still_ours() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("touched");
    sandbox.apply(&namespace.name, &application("orders", "/nowhere", &json!({})));
    let slack = simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    patched(&sandbox, &namespace, &json!({"metadata": {"annotations": {"touched": "yes"}}}));
    let lease = || sandbox.get_json(&namespace.name, "lease/lockkeeper");
    let renewed = lease()["spec"]["renewTime"].clone();
    eventually("it is renewed after that", DEADLINE, || (lease()["spec"]["renewTime"] != renewed).then_some(())).await;
    sandbox.apply(&namespace.name, &deploy(&sandbox, "after", "orders", "1.0.0"));
    refused(&sandbox, &namespace, "after", ENDED).await;
    bot.stop().await;
}

/// It may still have been under way when the successor looked first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_write_of_a_process_that_is_gone_is_no_second_process() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("late");
    let held = json!({"holderIdentity": "gone", "leaseDurationSeconds": 3, "leaseTransitions": 7});
    sandbox.apply(
        &namespace.name,
        &json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "lockkeeper"}, "spec": held,
        }),
    );
    let client = kube::Client::try_from(sandbox.bot_config().await).unwrap();
    let name = namespace.name.clone();
    let acquired = tokio::spawn(async move { Lease::acquire(client, &name, "next", Duration::from_secs(3), 0).await });
    patched(&sandbox, &namespace, &json!({"metadata": {"annotations": {"late": "yes"}}}));
    let lease = acquired.await.unwrap().map_err(|error| error.to_string()).map(|lease| lease.epoch());
    assert_eq!(lease, Ok(8));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_in_another_name_ends_the_process() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("taken");
    let slack = simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    patched(&sandbox, &namespace, &json!({"spec": {"holderIdentity": "somebody-else"}}));
    let why = bot.ended().await;
    assert!(why.contains("was taken by another process"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_somebody_deleted_does_not_begin_the_epochs_again() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("epochs");
    sandbox.apply(&namespace.name, &application("orders", "/nowhere", &json!({})));
    let slack = simulator().await;
    let mut epochs = Vec::new();
    for name in ["first", "second", "third"] {
        let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
        sandbox.apply(&namespace.name, &deploy(&sandbox, name, "orders", "1.0.0"));
        refused(&sandbox, &namespace, name, ENDED).await;
        let rollout = sandbox.get_json(&namespace.name, &format!("flinkrollout/{name}"));
        epochs.push(rollout.pointer("/status/epoch").unwrap().as_i64().unwrap());
        bot.stop().await;
        if name == "second" {
            sandbox.kubectl(&["-n", &namespace.name, "delete", "lease", "lockkeeper"]);
        }
    }
    assert!(epochs.windows(2).all(|pair| pair[0] < pair[1]), "{epochs:?}");
}
