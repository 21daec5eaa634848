//! The main job, in a chain on one application: a good version with probes goes in, bad versions and failing probes roll back.

mod bad_versions;
mod good_version;
mod probes;
mod restored;
mod wrong_ids;

use crate::{
    scene::Scene,
    support::{application::Application, record_ledger::RecordLedger},
};

/// Each step continues with what the step before it left running, because installing takes longer than a rollout.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_version_with_probes_goes_in_and_bad_versions_come_back() {
    let (scene, bot) = Scene::start(Application::install("orders").await).await;
    let mut ledger = RecordLedger::open(&scene.orders).await;
    good_version::succeeds_with_probes(&scene, &mut ledger).await;
    bad_versions::refused_at_plan(&scene, &ledger).await;
    bad_versions::rolled_back_by_themselves(&scene, &mut ledger).await;
    bad_versions::rolled_back_on_request(&scene, &mut ledger).await;
    probes::failing_before_and_after(&scene, &mut ledger).await;
    wrong_ids::refused_at_plan(&scene, &ledger).await;
    bot.stop().await;
}
