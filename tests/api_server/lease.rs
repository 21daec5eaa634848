//! The Lease of a namespace: which changes end the bot, and which must not.

use std::time::Duration;

use lockkeeper::record::{Candidate, Lease};
use serde_json::{Value, json};

use crate::bot_client::bot_client;
use crate::support::{
    api_link::ApiLink,
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
    let candidate = Candidate { identity: "next", duration: Duration::from_secs(3), highest_epoch: 0, own_epoch: None };
    let acquired = tokio::spawn(async move { Lease::acquire(client, &name, candidate).await });
    patch_lease(&sandbox, &namespace, &json!({"metadata": {"annotations": {"late": "yes"}}}));
    let lease = acquired.await.unwrap().map_err(|error| error.to_string()).map(|lease| lease.epoch());
    assert_eq!(lease, Ok(8));
}

fn read_transitions(sandbox: &Sandbox, namespace: &Namespace) -> i64 {
    sandbox.get_json(&namespace.name, "lease/lockkeeper")["spec"]["leaseTransitions"].as_i64().unwrap()
}

/// A bot that ended with an error would fail at `Bot::stop`.
async fn wait_for_next_term(sandbox: &Sandbox, namespace: &Namespace, last: i64) {
    eventually("the bot wins its lease again", DEADLINE, || {
        (read_transitions(sandbox, namespace) > last).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_whose_lease_was_taken_goes_on_once_nobody_renews_it() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("taken");
    sandbox.apply(&namespace.name, &flink_application("orders", "/nowhere", &json!({})));
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    let last = read_transitions(&sandbox, &namespace);
    patch_lease(&sandbox, &namespace, &json!({"spec": {"holderIdentity": "somebody-else"}}));
    wait_for_next_term(&sandbox, &namespace, last).await;
    sandbox.apply(&namespace.name, &deploy_request(&sandbox, "after", "orders", "1.0.0"));
    wait_until_untouched(&sandbox, &namespace, "after", END_TIMEOUT).await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_the_api_server_ends_neither_the_bot_nor_its_start() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("outage");
    sandbox.apply(&namespace.name, &flink_application("orders", "/nowhere", &json!({})));
    let slack = start_simulator().await;
    let mut config = sandbox.bot_config().await;
    let link = ApiLink::open(&mut config).await;
    link.set_up(false);
    let back = async {
        link.wait_for_refusals(2).await;
        link.set_up(true);
    };
    let (bot, ()) = tokio::join!(Bot::start_with(config, &sandbox, &namespace.name, &slack), back);

    let last = read_transitions(&sandbox, &namespace);
    link.set_up(false);
    let lease = || sandbox.get_json(&namespace.name, "lease/lockkeeper");
    eventually("the lease has expired", DEADLINE, || {
        let renewed: jiff::Timestamp = lease()["spec"]["renewTime"].as_str().unwrap().parse().unwrap();
        (jiff::Timestamp::now().duration_since(renewed).as_secs() > 15).then_some(())
    })
    .await;
    sandbox.apply(&namespace.name, &deploy_request(&sandbox, "meanwhile", "orders", "1.0.0"));
    link.set_up(true);
    wait_for_next_term(&sandbox, &namespace, last).await;
    wait_until_untouched(&sandbox, &namespace, "meanwhile", END_TIMEOUT).await;
    bot.stop().await;
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
