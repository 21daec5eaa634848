//! Flink cannot be reached, while its pods run and are Ready: nothing is stopped because of it.

use std::time::Duration;

use lockkeeper::api::{Direction, FlinkRolloutStatus, ResultKind, Stage};
use serde_json::json;

use super::{deploy, expect_end, last, wait_in};
use crate::scene::Scene;
use crate::support::{application::Application, record_ledger::RecordLedger};

const OUT_OF_SIGHT: Duration = Duration::from_secs(90);

/// The selector of the REST Service, in which a wrong label leads to no pod.
fn point_rest_service_at(orders: &Application, component: &str) {
    let selector = json!({"spec": {"selector": {"app.kubernetes.io/component": component}}}).to_string();
    orders.kubectl(&["patch", &format!("service/{}-rest", orders.name), "--type=merge", "-p", &selector]);
}

pub(super) fn hide_flink(orders: &Application) {
    point_rest_service_at(orders, "nobody");
}

pub(super) fn show_flink(orders: &Application) {
    point_rest_service_at(orders, "jobmanager");
}

fn is_started(status: &FlinkRolloutStatus) -> bool {
    status.job.as_ref().is_some_and(|job| job.restored_at.is_some())
}

/// The watch waits, and begins anew when Flink answers.
pub(super) async fn forward(scene: &Scene, ledger: &mut RecordLedger) {
    let name = "out-of-sight";
    deploy(scene, name, "1.1.0", &json!({}));
    wait_in(scene, name, (Direction::Forward, Stage::Monitor), is_started).await;
    hide_flink(&scene.orders);
    last(OUT_OF_SIGHT).await;
    show_flink(&scene.orders);
    expect_end(scene, ledger, name, ResultKind::Succeeded).await;
}

/// A missing image turns the rollout back. The job of the restored version runs, and is left running.
pub(super) async fn back(scene: &Scene, ledger: &mut RecordLedger) {
    let name = "out-of-sight-on-the-way-back";
    deploy(scene, name, "1.4.0", &json!({}));
    wait_in(scene, name, (Direction::Back, Stage::Verify), |_| true).await;
    hide_flink(&scene.orders);
    last(OUT_OF_SIGHT).await;
    show_flink(&scene.orders);
    let status = expect_end(scene, ledger, name, ResultKind::RolledBack).await;
    let starts = status
        .operations
        .iter()
        .filter(|operation| operation.name.starts_with("back/") && operation.name.ends_with("/start"));
    assert_eq!(starts.count(), 1, "{:?}", status.operations);
}
