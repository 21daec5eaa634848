//! A stop that nobody saw the end of. The old JobManager ends some time after its job, and its Deployment would start the old job again.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use lockkeeper::api::{Direction, FlinkRolloutStatus, ResultKind, Stage};
use serde_json::json;

use super::{
    deploy, expect_end,
    silence::{hide_flink, show_flink},
    wait_in,
};
use crate::scene::Scene;
use crate::support::{
    application::{Application, text},
    kubernetes_users::RITA,
    record_ledger::RecordLedger,
    refused_rollouts::wait_until_released,
    sandbox::eventually,
};

/// The JobManager that Helm installed ends this long after its job, if nobody has read the result of the stop. Changes the configuration
/// by hand, as a team would, and starts the JobManager with it.
pub(super) async fn expire_results_after(seconds: u32, orders: &Application) {
    let config = orders.get("configmap/orders-config");
    let changed = format!("{}\nrest.async.store-duration: {seconds} s\n", text(&config, "/data/config.yaml"));
    let patch = json!({"data": {"config.yaml": changed}}).to_string();
    orders.kubectl(&["patch", "configmap", "orders-config", "--type=merge", "-p", &patch]);
    orders.kubectl(&["rollout", "restart", "deployment", "orders-jobmanager"]);
    orders.kubectl(&["rollout", "status", "deployment", "orders-jobmanager", "--timeout=300s"]);
    orders.wait_for_running_job().await;
}

/// Flink goes out of sight when the stop was asked for. The halt leaves no JobManager that starts the old job, and
/// nothing is lost if a person goes on from the savepoint.
pub(super) async fn chain(scene: &Scene, ledger: &mut RecordLedger) {
    let (orders, name) = (&scene.orders, "out-of-sight-in-the-stop");
    let local_view = orders.get("flinkapplication/orders").pointer("/spec/savepoint/localView").unwrap().clone();
    // Without a view of the folder, only Flink could tell where the savepoint is.
    orders.patch_spec(&json!({"savepoint": {"timeoutSeconds": 10, "localView": null}}));
    deploy(scene, name, "1.1.0", &json!({}));
    wait_in(scene, name, (Direction::Forward, Stage::Savepoint), stop_is_under_way).await;
    hide_flink(orders);
    let old = ledger.job().to_owned();
    eventually("no JobManager that could start the old job again", Duration::from_secs(300), || {
        let ended = !orders.ha_config_maps().keys().any(|map| map.contains(&old));
        let deployment = orders.get_deployment("jobmanager");
        (ended && deployment.pointer("/spec/replicas") == Some(&json!(0))).then_some(())
    })
    .await;
    let status = orders.wait_until_settled(name).await;
    assert!(status.halt.is_some_and(|halt| !halt.parked), "{}", status.message);
    show_flink(orders);
    orders.patch_spec(&json!({"savepoint": {"localView": local_view}}));
    orders.decide(RITA, name, json!({"kind": "GiveUp"})).unwrap();
    let given_up = |status: &FlinkRolloutStatus| status.result.is_some();
    orders.wait_for_status(name, "its end", given_up).await;
    wait_until_released(&orders.sandbox, &orders.namespace, "orders").await;

    // The runbook's way: the person looks into the rollout's own directory, and starts from the savepoint there.
    let next = "from-the-savepoint";
    let from = json!({"from": "Path", "value": find_savepoint(orders, name).unwrap()});
    orders.request_rollout(next, json!({"kind": "Deploy", "version": "1.1.0", "startFrom": from}));
    let status = expect_end(scene, ledger, next, ResultKind::Succeeded).await;
    assert_eq!(status.duplicates, None, "the old job ran again");
}

/// Whether Flink has taken the request to stop the job.
pub(super) fn stop_is_under_way(status: &FlinkRolloutStatus) -> bool {
    let stop = status.operations.iter().find(|operation| operation.name.ends_with("/stop-with-savepoint"));
    stop.is_some_and(|operation| operation.completed_at.is_some())
}

/// The one complete savepoint in the directory of a rollout.
pub(super) fn find_savepoint(orders: &Application, rollout: &str) -> Option<String> {
    let folders = |path: &Path| -> Option<Vec<PathBuf>> {
        Some(fs::read_dir(path).ok()?.map(|entry| entry.unwrap().path()).collect())
    };
    let own = folders(&orders.data.join("savepoints"))?
        .into_iter()
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&format!("{rollout}-"))));
    let complete = folders(&own?)?.into_iter().find(|path| path.join("_metadata").exists());
    Some(format!("file://{}", complete?.display()))
}
