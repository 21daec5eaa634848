//! Events that are normal in a real cluster and in a real job. None of them may cost a good version, or park an application.
//!
//! The first chain runs with all tests. The others take about 25 minutes: `cargo xtask test health` runs them.

mod handover;
mod job_shapes;
mod other_writers;
mod pods;
mod silence;
mod zombie;

use std::time::Duration;

use lockkeeper::api::{Direction, FlinkRolloutStatus, ResultKind, Stage};
use serde_json::{Value, json};

use crate::scene::Scene;
use crate::support::{application::Application, bot::Bot, record_ledger::RecordLedger};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_that_start_late_or_are_replaced_cost_no_version() {
    let (scene, bot, mut ledger) = start("health-pods").await;
    pods::node_away_during_deploy(&scene, &mut ledger).await;
    pods::registry_is_busy(&scene, &mut ledger).await;
    pods::containers_that_end_once(&scene, &mut ledger).await;
    pods::job_manager_replaced_in(Stage::Monitor, &scene, &mut ledger).await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: run `cargo xtask test health`"]
async fn pods_that_start_late_on_the_way_back_are_not_parked() {
    let (scene, bot, mut ledger) = start("health-back").await;
    pods::node_away_during_restore(&scene, &mut ledger).await;
    pods::job_manager_replaced_in(Stage::Verify, &scene, &mut ledger).await;
    silence::forward(&scene, &mut ledger).await;
    silence::back(&scene, &mut ledger).await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: run `cargo xtask test health`"]
async fn jobs_of_other_shapes_are_healthy() {
    let (scene, bot, mut ledger) = start("health-jobs").await;
    job_shapes::a_bounded_input_beside_running_ones(&scene, &mut ledger).await;
    job_shapes::checkpoints_that_are_longer_apart_than_the_watch(&scene, &mut ledger).await;
    job_shapes::a_restore_that_is_longer_than_the_deadline(&scene, &mut ledger).await;
    job_shapes::a_savepoint_directory_with_two_slashes(&scene, &mut ledger).await;
    job_shapes::an_adaptive_scheduler_that_rescales(&scene).await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: run `cargo xtask test health`"]
async fn others_who_write_or_lead_are_noticed() {
    let (scene, bot, mut ledger) = start("health-others").await;
    other_writers::replaces_the_records_after_the_stop(&scene, &mut ledger).await;
    other_writers::changes_the_template_in_the_watch(&scene, &mut ledger).await;
    other_writers::leads_under_another_name(&scene).await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: run `cargo xtask test health`"]
async fn a_halted_stop_never_starts_the_old_job_again() {
    let orders = Application::install("health-zombie").await;
    zombie::expire_results_after(100, &orders).await;
    let (scene, bot) = prepare(orders).await;
    let mut ledger = RecordLedger::open(&scene.orders).await;
    zombie::chain(&scene, &mut ledger).await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: run `cargo xtask test health`"]
async fn a_disturbed_hand_over_loses_no_record() {
    let (scene, bot, mut ledger) = start("health-handover").await;
    handover::the_job_manager_fails_over_in_the_stop(&scene).await;
    let bot = handover::nobody_knows_the_savepoint(&scene, bot, &mut ledger).await;
    handover::the_target_starts_empty(&scene, &mut ledger).await;
    handover::the_job_fails_while_it_stops(&scene, &mut ledger).await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: run `cargo xtask test health`"]
async fn an_old_job_that_runs_again_is_replaced_from_its_savepoint() {
    let orders = Application::install("health-again").await;
    zombie::expire_results_after(20, &orders).await;
    let (scene, bot) = prepare(orders).await;
    handover::the_old_job_runs_again(&scene, bot).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: run `cargo xtask test health`"]
async fn a_job_that_fails_while_it_stops_goes_on_from_its_savepoint() {
    let (scene, bot, _) = start("health-failing").await;
    handover::the_job_fails_while_it_stops_and_ends_its_job_manager(&scene).await;
    bot.stop().await;
}

/// Installs an application of its own and starts a bot for it.
async fn start(purpose: &str) -> (Scene, Bot, RecordLedger) {
    let (scene, bot) = prepare(Application::install(purpose).await).await;
    let ledger = RecordLedger::open(&scene.orders).await;
    (scene, bot, ledger)
}

async fn prepare(orders: Application) -> (Scene, Bot) {
    let (scene, bot) = Scene::start_with_kubectl_users(orders).await;
    let monitor = json!({"restartsAllowed": 1});
    scene.orders.patch_spec(&json!({"approvals": {"required": 0}, "rollbackStartSeconds": 120, "monitor": monitor}));
    (scene, bot)
}

/// Asks for a version with these values of the chart. A value of null takes the chart's own again.
fn deploy(scene: &Scene, name: &str, version: &str, values: &Value) {
    println!("==== {name}");
    scene.orders.patch_spec(&json!({ "values": values }));
    scene.orders.request_rollout(name, json!({"kind": "Deploy", "version": version}));
}

/// Waits until a rollout that runs is in a stage and meets a condition.
async fn wait_in(
    scene: &Scene,
    name: &str,
    (direction, stage): (Direction, Stage),
    condition: impl Fn(&FlinkRolloutStatus) -> bool,
) -> FlinkRolloutStatus {
    let reached = |status: &FlinkRolloutStatus| {
        status.result.is_some() || (status.direction, status.stage) == (direction, stage) && condition(status)
    };
    let status = scene.orders.wait_for_status(name, &format!("{stage} ({direction:?})"), reached).await;
    assert_eq!(status.result, None, "{name} ended before");
    status
}

/// Waits for the end of a rollout, which may halt on its way and go on by itself, and counts the records.
async fn expect_end(scene: &Scene, ledger: &mut RecordLedger, name: &str, kind: ResultKind) -> FlinkRolloutStatus {
    let status = wait_for_end(scene, name, kind).await;
    ledger.count_after(&scene.orders, &status.job.as_ref().unwrap().job_id).await;
    status
}

async fn wait_for_end(scene: &Scene, name: &str, kind: ResultKind) -> FlinkRolloutStatus {
    let ended =
        |status: &FlinkRolloutStatus| status.result.is_some() || status.halt.as_ref().is_some_and(|halt| halt.parked);
    let status = scene.orders.wait_for_status(name, "its end", ended).await;
    println!("---- {name}: {} ({})", status.phase, status.message);
    assert_eq!(status.result.as_ref().map(|result| result.kind), Some(kind), "{name}: {}", status.message);
    status
}

/// Lets an outage last. This is the scenario itself: nothing is expected to have happened after it.
async fn last(outage: Duration) {
    tokio::time::sleep(outage).await;
}
