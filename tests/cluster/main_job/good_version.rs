//! 1.1.0, deployed by people at Slack's page, replaces what Helm installed. No record is lost or doubled.

use super::{probes, restored::mounted_config};
use crate::{
    scene::Scene,
    support::{
        application::{ROLLOUT_TIMEOUT, text},
        page::Page,
        record_ledger::RecordLedger,
    },
};

pub(super) async fn succeeds_with_probes(scene: &Scene, ledger: &mut RecordLedger) {
    let orders = &scene.orders;
    probes::add_holding_probes(orders);
    let page = Page::open(&scene.slack).await;
    page.act_as("U0ALICE").await;
    let name = page.start_rollout(&scene.slack, "/flink deploy orders 1.1.0 faster checkpoints").await;
    page.open_thread(&name).await;
    page.press("rollout.approve").await;
    page.wait_for_answer("somebody else has to approve").await;
    page.act_as("U0BOB").await;
    page.press("rollout.approve").await;
    page.wait_for_thread_text("Succeeded in", ROLLOUT_TIMEOUT).await;
    page.take_screenshot("thread", &orders.data).await;
    let card = orders.wait_for_card(&scene.slack, &name).await;
    let (rollout, thread) = orders.wait_for_end(&scene.slack, &name, &card).await;

    assert_eq!(text(&rollout, "/status/result/kind"), "Succeeded", "{thread}");
    assert_eq!(text(&rollout, "/status/plan/fromVersion"), "1.0.0");
    for stage in ["Plan", "Approve", "Savepoint", "Stop", "Deploy", "Verify"] {
        assert!(thread.contains(&format!("✓ *{stage}*")), "{stage} is not in the thread:\n{thread}");
    }
    // A JobManager that ends in time has removed its metadata itself.
    let cleared = ["✓ *Clear HA*", "– *Clear HA* not needed"].iter().any(|line| thread.contains(line));
    assert!(cleared, "Clear HA is not in the thread:\n{thread}");
    probes::assert_probes_held(&rollout);
    probes::remove_probes(orders);
    assert_dropped_parts_are_gone(scene);

    let job = text(&rollout, "/status/job/jobId").to_owned();
    assert_ne!(job, ledger.job());
    let counted = ledger.count_after(orders, &job).await;
    assert_eq!((counted.missing, counted.doubled), (0, 0), "{counted:?}");
}

/// 1.1.0 drops an environment variable, a volume and a configuration key.
fn assert_dropped_parts_are_gone(scene: &Scene) {
    let task_manager = scene.orders.get_deployment("taskmanager");
    let rendered = task_manager.to_string();
    for dropped in ["ORDERS_REGION", "/scratch"] {
        assert!(!rendered.contains(&format!("\"{dropped}\"")), "{dropped} is still there");
    }
    let config = mounted_config(&task_manager);
    assert_eq!(config, "orders-config-v001");
    let config = scene.orders.get(&format!("configmap/{config}"));
    assert!(!config.to_string().contains("web.refresh-interval"));
    assert_eq!(task_manager.pointer("/metadata/annotations/lockkeeper.dev~1previous-replicas").unwrap(), "2");
}
