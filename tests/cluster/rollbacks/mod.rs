//! Rollbacks in a chain on one application: people ask for them after success, a quota delays one, and people resume one that could not start.

mod by_command;
mod parked;
mod quota;

use serde_json::json;

use crate::{
    scene::Scene,
    support::{
        application::{Application, text},
        record_ledger::RecordLedger,
    },
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_roll_back_after_success_and_resume_a_parked_rollback() {
    let (scene, bot) = Scene::start_with_kubectl_users(Application::install("rollbacks").await).await;
    let mut ledger = RecordLedger::open(&scene.orders).await;
    let (rollout, _) = scene.orders.deploy_with_approval(&scene.slack, "1.1.0").await;
    ledger.count_after(&scene.orders, text(&rollout, "/status/job/jobId")).await;
    // The minimum of the way back is 300 s, which is too long for a test.
    scene.orders.patch_spec(&json!({"approvals": {"required": 0}, "rollbackStartSeconds": 60}));
    by_command::chain(&scene, &mut ledger).await;
    quota::released_late(&scene, &mut ledger).await;
    parked::chain(&scene, &mut ledger).await;
    bot.stop().await;
}
