//! Versions that are bad, each in its own way. Lockkeeper detects every one and restores the version before.
//! The thread tells the reason.

use std::{collections::BTreeSet, time::Duration};

use jiff::SignedDuration;
use lockkeeper::api::{Direction, FlinkRolloutStatus, Stage};
use serde_json::{Value, json};

use super::restored::{Workload, assert_restored, wait_until_restored};
use crate::{
    scene::Scene,
    support::{application::text, record_ledger::RecordLedger, records::Records, sandbox::eventually},
};

/// A version that ends again and again is undone this soon after its start.
const MAX_CRASH_LOOP: SignedDuration = SignedDuration::from_secs(45);
/// A version whose image does not exist is undone this soon after its start.
const MAX_MISSING_IMAGE: SignedDuration = SignedDuration::from_secs(30);
const EVENTS_TIMEOUT: Duration = Duration::from_secs(60);

/// 1.6.0 has an option that would swallow `--fromSavepoint`. It is refused by name, and the job runs on.
pub(super) async fn refused_at_plan(scene: &Scene, ledger: &RecordLedger) {
    let (orders, slack) = (&scene.orders, &scene.slack);
    let name = orders.start_rollout(slack, "/flink deploy orders 1.6.0").await;
    let card = orders.wait_for_card(slack, &name).await;
    let (rollout, thread) = orders.wait_for_end(slack, &name, &card).await;
    assert_eq!(text(&rollout, "/status/result/kind"), "Untouched");
    assert!(thread.contains("--claimMode"), "{thread}");
    let last = Records::emitted(&orders.data).unwrap().iter().max_by_key(|record| record.emitted).unwrap().job.clone();
    assert_eq!(last, ledger.job(), "the job that ran still runs");
}

/// Every bad version of the sample application that gets as far as being started.
pub(super) async fn rolled_back_by_themselves(scene: &Scene, ledger: &mut RecordLedger) {
    deploy_bad_version(scene, ledger, "1.2.0", &["restarts", "No price for order"]).await;
    assert_turned_back_within(scene, "1.2.0", MAX_CRASH_LOOP);
    let failure =
        deploy_bad_version(scene, ledger, "1.3.0", &["Cannot map checkpoint/savepoint state for operator"]).await;
    // The JobManager shows the job as FAILED for less than a second before it exits, so the bot sees either.
    let cause = ["exit code 2", "the job is FAILED"].iter().any(|words| failure.contains(words));
    assert!(cause, "{failure}");
    deploy_bad_version(scene, ledger, "1.4.0", &["ErrImagePull", "127.0.0.1:5000/orders:1.4.0", "not found"]).await;
    assert_turned_back_within(scene, "1.4.0", MAX_MISSING_IMAGE);
    let words = ["0 of 2 wanted checkpoints", " failed, the last one because", "IO-problem detected"];
    deploy_bad_version(scene, ledger, "1.5.0", &words).await;
    // Only the start deadline detects this version.
    scene.orders.patch_spec(&json!({"startDeadlineSeconds": 120}));
    deploy_bad_version(scene, ledger, "1.7.0", &["needs 8 slots", "offer 4", "within 120 s"]).await;
    scene.orders.patch_spec(&json!({"startDeadlineSeconds": 180}));
    deploy_bad_version(scene, ledger, "1.8.0", &["the job FINISHED"]).await;
}

/// Without automatic rollback the rollout halts, and rolls back when a person asks for it.
pub(super) async fn rolled_back_on_request(scene: &Scene, ledger: &mut RecordLedger) {
    let (orders, slack) = (&scene.orders, &scene.slack);
    orders.patch_spec(&json!({"automaticRollback": false}));
    let before = Workload::read(scene);
    let (halted, thread) = orders.deploy_with_approval(slack, "1.4.0").await;
    let name = text(&halted, "/metadata/name").to_owned();
    assert_eq!(text(&halted, "/status/phase"), "Halted", "{thread}");
    assert!(thread.contains("Automatic rollback is off for this application"), "{thread}");
    orders.press_on_card(slack, &name, "Roll back", "rollout.roll-back").await;
    wait_until_restored(scene, ledger, &name, &before).await;
    orders.patch_spec(&json!({"automaticRollback": true}));
}

/// Deploys a version that must roll back by itself, with `words` in its thread. Returns the failure's message.
async fn deploy_bad_version(scene: &Scene, ledger: &mut RecordLedger, version: &str, words: &[&str]) -> String {
    println!("==== {version}");
    let before = Workload::read(scene);
    let (rollout, thread) = scene.orders.deploy_with_approval(&scene.slack, version).await;
    let decisions = rollout["spec"]["decisions"].as_array().unwrap();
    assert!(decisions.iter().all(|decision| decision["kind"] == "Approve"));
    assert_restored(scene, ledger, &before, &rollout, &thread);
    let failure = text(&rollout, "/status/failure/message").to_owned();
    for word in words {
        assert!(failure.contains(word), "{version}: no {word:?} in: {failure}");
        assert!(thread.contains(word), "{version}: no {word:?} in the thread:\n{thread}");
    }
    wait_for_an_event_per_stage(scene, &rollout).await;
    assert_kubectl_shows(scene, &rollout);
    ledger.count_after(&scene.orders, text(&rollout, "/status/job/jobId")).await;
    failure
}

/// The first rollout to a version turned back this soon after the target was started, by the times in its record.
fn assert_turned_back_within(scene: &Scene, version: &str, max: SignedDuration) {
    let rollouts = scene.orders.get("flinkrollouts");
    let mut all = rollouts["items"].as_array().unwrap().iter();
    let rollout = all.find(|rollout| rollout.pointer("/spec/request/version") == Some(&json!(version))).unwrap();
    let status: FlinkRolloutStatus = serde_json::from_value(rollout["status"].clone()).unwrap();
    let began = |direction, stage: Option<Stage>| {
        let mut records = status.stages.iter().filter(|record| record.direction == direction);
        records.find(|record| stage.is_none_or(|stage| record.stage == stage)).unwrap().started_at.0
    };
    let took = began(Direction::Back, None).duration_since(began(Direction::Forward, Some(Stage::Deploy)));
    println!("     {version}: turned back after {took:#}");
    assert!(took <= max, "{version}: {took:#} from the start to the way back");
}

/// `kubectl get events` shows each stage in both directions, and the end.
async fn wait_for_an_event_per_stage(scene: &Scene, rollout: &Value) {
    let stages = rollout.pointer("/status/stages").unwrap().as_array().unwrap();
    let event_of = |stage: &Value| (text(stage, "/direction").to_owned(), text(stage, "/stage").replace(' ', ""));
    let mut wanted: BTreeSet<(String, String)> = stages.iter().map(event_of).collect();
    wanted.insert(("Back".to_owned(), "RolledBack".to_owned()));
    // The bot publishes an Event after it has written the status.
    eventually(&format!("the Events {wanted:?}"), EVENTS_TIMEOUT, || {
        (list_events(scene, rollout) == wanted).then_some(())
    })
    .await;
}

/// Direction and phase of a rollout's Events, without those that a busy API server causes.
fn list_events(scene: &Scene, rollout: &Value) -> BTreeSet<(String, String)> {
    let all = scene.orders.get("events.events.k8s.io");
    let ours = all["items"].as_array().unwrap().iter().filter(|event| {
        event.pointer("/regarding/uid") == rollout.pointer("/metadata/uid")
            && event["reportingController"] == "lockkeeper"
            && event["reason"] != "ReconcileFailed"
    });
    ours.map(|event| (text(event, "/action").to_owned(), text(event, "/reason").to_owned())).collect()
}

/// `kubectl get flinkapplications,flinkrollouts` shows version, phase and result.
fn assert_kubectl_shows(scene: &Scene, rollout: &Value) {
    let table = scene.orders.kubectl(&["get", "flinkapplications,flinkrollouts"]);
    let (name, to) = (text(rollout, "/metadata/name"), text(rollout, "/spec/request/version"));
    let line_with = |words: &str| {
        table.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("no {words} in\n{table}"))
    };
    let application = line_with("flinkapplication.lockkeeper.dev/orders ");
    assert!(application.contains(" 1.1.0 "), "{table}");
    let rollout = line_with(&format!("/{name} "));
    for word in ["orders", "1.1.0", to, "RolledBack"] {
        assert!(rollout.split_whitespace().any(|column| column == word), "no {word} in\n{table}");
    }
}
