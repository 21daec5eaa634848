//! High-availability ids that are not Flink's own. Clearing by them would delete the metadata of another application.

use serde_json::json;

use super::restored::Workload;
use crate::{
    scene::Scene,
    support::{application::text, record_ledger::RecordLedger},
};

pub(super) async fn refused_at_plan(scene: &Scene, ledger: &RecordLedger) {
    for (ours, theirs) in
        [("kubernetesClusterId", "kubernetes.cluster-id"), ("clusterId", "high-availability.cluster-id")]
    {
        println!("==== a wrong {ours}");
        scene.orders.patch_spec(&json!({"highAvailability": {ours: "orders-eu"}}));
        let message = deploy_and_expect_refusal(scene, ledger).await;
        scene.orders.patch_spec(&json!({"highAvailability": {ours: "orders"}}));
        let wanted =
            format!("{theirs} is orders in Flink and orders-eu in the FlinkApplication: correct the FlinkApplication");
        assert_eq!(message, wanted);
    }
}

/// Asks for 1.1.0, which must change nothing. Returns the reason of the refusal.
async fn deploy_and_expect_refusal(scene: &Scene, ledger: &RecordLedger) -> String {
    let (orders, slack) = (&scene.orders, &scene.slack);
    let before = Workload::read(scene);
    let name = orders.start_rollout(slack, "/flink deploy orders 1.1.0").await;
    let card = orders.wait_for_card(slack, &name).await;
    let (rollout, thread) = orders.wait_for_end(slack, &name, &card).await;
    assert_eq!(text(&rollout, "/status/result/kind"), "Untouched", "{thread}");
    for (before, after) in before.deployments.iter().zip(&Workload::read(scene).deployments) {
        assert_eq!(before.pointer("/metadata/generation"), after.pointer("/metadata/generation"));
    }
    let jobs = orders.query_flink("/jobs/overview").unwrap();
    assert!(jobs["jobs"].as_array().unwrap().iter().any(|job| job["jid"] == ledger.job()), "{jobs}");
    let message = text(&rollout, "/status/result/message").to_owned();
    assert!(thread.contains(&message), "{thread}");
    message
}
