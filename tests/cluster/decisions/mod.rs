//! Decisions of people, in a chain on one application: they reject, let expire, forge, abort and delete, before the stop and after.

mod after_stop;
mod before_stop;
mod first_deployment;
mod no_savepoint;

use crate::{
    scene::Scene,
    support::{application::Application, record_ledger::RecordLedger},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_reject_abort_and_delete_rollouts_from_the_first_deployment_on() {
    let (scene, bot) = Scene::start_with_kubectl_users(Application::without_deployments("decisions")).await;
    first_deployment::chain(&scene).await;
    before_stop::chain(&scene).await;
    let mut ledger = RecordLedger::open(&scene.orders).await;
    no_savepoint::chain(&scene, &mut ledger).await;
    after_stop::chain(&scene, &mut ledger).await;
    bot.stop().await;
}
