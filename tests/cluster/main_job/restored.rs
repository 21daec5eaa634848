//! After a rollback the version before runs as it did: same objects and replicas, restored from the restore point.

use lockkeeper::api::{FlinkRolloutStatus, same_path};
use serde_json::Value;

use crate::{
    scene::Scene,
    support::{application::text, record_ledger::RecordLedger},
};

/// The objects that a rollback must restore.
pub(super) struct Workload {
    pub(super) deployments: [Value; 2],
    service: Value,
}

impl Workload {
    pub(super) fn read(scene: &Scene) -> Self {
        let deployments = ["jobmanager", "taskmanager"].map(|component| scene.orders.get_deployment(component));
        Self { deployments, service: scene.orders.get("service/orders-rest") }
    }
}

/// A pod template without what every start sets anew.
fn template(deployment: &Value) -> Value {
    let template = deployment.pointer("/spec/template").unwrap();
    let mut plain = lockkeeper::bake::without_start(template);
    plain["metadata"]["creationTimestamp"] = Value::Null;
    plain
}

pub(super) fn mounted_config(deployment: &Value) -> String {
    let volumes = deployment.pointer("/spec/template/spec/volumes").unwrap().as_array().unwrap();
    volumes.iter().find_map(|volume| volume.pointer("/configMap/name")?.as_str()).unwrap().to_owned()
}

/// Waits for the end of a rollout that must have restored `before`, and counts the records.
pub(super) async fn wait_until_restored(scene: &Scene, ledger: &mut RecordLedger, name: &str, before: &Workload) {
    let parked = |status: &FlinkRolloutStatus| status.halt.as_ref().is_some_and(|halt| halt.parked);
    let ended = |status: &FlinkRolloutStatus| status.result.is_some() || parked(status);
    let status = scene.orders.wait_for_status(name, "its end", ended).await;
    assert!(status.result.is_some(), "{name} halted: {}", status.message);
    let rollout = scene.orders.get_rollout(name);
    assert_restored(scene, ledger, before, &rollout, &status.message);
    ledger.count_after(&scene.orders, text(&rollout, "/status/job/jobId")).await;
}

/// `ledger` still expects the job from before the rollout.
pub(super) fn assert_restored(scene: &Scene, ledger: &RecordLedger, before: &Workload, rollout: &Value, thread: &str) {
    assert_eq!(text(rollout, "/status/result/kind"), "RolledBack", "{thread}");
    let after = Workload::read(scene);
    for (before, after) in before.deployments.iter().zip(&after.deployments) {
        assert_eq!(template(before), template(after));
        assert_eq!(before.pointer("/spec/replicas"), after.pointer("/spec/replicas"));
        assert_eq!(after.pointer("/status/readyReplicas"), after.pointer("/spec/replicas"));
    }
    assert_eq!(before.service["spec"], after.service["spec"]);
    assert_eq!(before.service["metadata"]["labels"], after.service["metadata"]["labels"]);
    let config = mounted_config(&after.deployments[1]);
    assert_eq!(config, mounted_config(&before.deployments[1]));
    let config = scene.orders.get(&format!("configmap/{config}"));
    assert!(!config["data"].to_string().contains("web.refresh-interval"));
    assert_restored_from_the_restore_point(scene, ledger, rollout);
}

fn assert_restored_from_the_restore_point(scene: &Scene, ledger: &RecordLedger, rollout: &Value) {
    let job = text(rollout, "/status/job/jobId");
    assert_ne!(job, ledger.job(), "a fresh job id");
    let jobs = scene.orders.query_flink("/jobs/overview").unwrap();
    let [running] = jobs["jobs"].as_array().unwrap().as_slice() else { panic!("not one job: {jobs}") };
    assert_eq!((text(running, "/jid"), text(running, "/state")), (job, "RUNNING"));
    let checkpoints = scene.orders.query_flink(&format!("/jobs/{job}/checkpoints")).unwrap();
    let (restored, point) =
        (text(&checkpoints, "/latest/restored/external_path"), text(rollout, "/status/restorePoint/path"));
    assert!(same_path(restored, point), "restored from {restored} instead of {point}");
}
