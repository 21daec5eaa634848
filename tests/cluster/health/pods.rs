//! Pods that wait for a node or an image, containers that end once, and a JobManager pod that is deleted.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use lockkeeper::api::{Direction, FlinkRolloutStatus, ResultKind, Stage};
use serde_json::{Value, json};

use super::{deploy, expect_end, last, wait_in};
use crate::scene::Scene;
use crate::support::{kubernetes_users::RITA, record_ledger::RecordLedger};

const NODE_AWAY: Duration = Duration::from_secs(60);

/// The node, as far as the pods of one application see it: they ask for a label that no other pod asks for.
struct Room<'a> {
    scene: &'a Scene,
    label: String,
}

impl<'a> Room<'a> {
    fn new(scene: &'a Scene) -> Self {
        Self { scene, label: format!("lockkeeper.dev/{}", scene.orders.namespace.name) }
    }

    fn values(&self) -> Value {
        json!({"nodeSelector": {self.label.as_str(): "yes"}})
    }

    fn open(&self) {
        self.scene.orders.sandbox.kubectl(&["label", "node", "--all", "--overwrite", &format!("{}=yes", self.label)]);
    }

    fn close(&self) {
        self.scene.orders.sandbox.kubectl(&["label", "node", "--all", &format!("{}-", self.label)]);
    }
}

fn waits_for_a_node(status: &FlinkRolloutStatus) -> bool {
    status.message.contains("waits for a node")
}

pub(super) async fn node_away_during_deploy(scene: &Scene, ledger: &mut RecordLedger) {
    let (name, room) = ("node-away-during-deploy", Room::new(scene));
    deploy(scene, name, "1.1.0", &room.values());
    wait_in(scene, name, (Direction::Forward, Stage::Verify), waits_for_a_node).await;
    last(NODE_AWAY).await;
    room.open();
    expect_end(scene, ledger, name, ResultKind::Succeeded).await;
}

pub(super) async fn node_away_during_restore(scene: &Scene, ledger: &mut RecordLedger) {
    let (name, room) = ("node-away-during-restore", Room::new(scene));
    room.open();
    deploy(scene, "with-a-node-selector", "1.1.0", &room.values());
    expect_end(scene, ledger, "with-a-node-selector", ResultKind::Succeeded).await;
    deploy(scene, name, "1.0.0", &json!({}));
    wait_in(scene, name, (Direction::Forward, Stage::Savepoint), |_| true).await;
    room.close();
    wait_in(scene, name, (Direction::Forward, Stage::Verify), waits_for_a_node).await;
    scene.orders.decide(RITA, name, json!({"kind": "RollBack"})).unwrap();
    wait_in(scene, name, (Direction::Back, Stage::Verify), waits_for_a_node).await;
    last(NODE_AWAY).await;
    room.open();
    expect_end(scene, ledger, name, ResultKind::RolledBack).await;
}

/// The registry answers the first pulls with 429. Each run of the test has a repository of its own.
pub(super) async fn registry_is_busy(scene: &Scene, ledger: &mut RecordLedger) {
    let name = "registry-is-busy";
    let repository = format!("127.0.0.1:5000/429-15s/{}/orders", scene.orders.namespace.name);
    deploy(scene, name, "1.0.0", &json!({"image": {"repository": repository, "pullPolicy": "Always"}}));
    let busy = |status: &FlinkRolloutStatus| status.message.contains("429 Too Many Requests");
    wait_in(scene, name, (Direction::Forward, Stage::Verify), busy).await;
    expect_end(scene, ledger, name, ResultKind::Succeeded).await;
    scene.orders.patch_spec(&json!({"values": {"image": null}}));
}

/// An init container fails once, and a sidecar ends once while the job is started or watched.
pub(super) async fn containers_that_end_once(scene: &Scene, ledger: &mut RecordLedger) {
    let name = "containers-that-end-once";
    let marks = scene.orders.data.join("marks");
    fs::create_dir_all(&marks).unwrap();
    fs::set_permissions(&marks, fs::Permissions::from_mode(0o777)).unwrap();
    let once = |mark: &str, before: &str, after: &str| {
        let mark = marks.join(mark).display().to_string();
        json!({"name": mark.rsplit('/').next(), "command": ["bash", "-c",
            format!("trap exit TERM; if test ! -e {mark}; then touch {mark}; {before} exit 1; fi; {after}")]})
    };
    let values = json!({"jobManager": {
        "initContainers": [once("prepares", "", "")],
        "sidecars": [once("ships-logs", "sleep 20 & wait;", "sleep infinity & wait")],
    }});
    deploy(scene, name, "1.1.0", &values);
    expect_end(scene, ledger, name, ResultKind::Succeeded).await;
    assert!(["prepares", "ships-logs"].iter().all(|mark| marks.join(mark).exists()), "the containers did not run");
    scene.orders.patch_spec(&json!({"values": {"jobManager": null}}));
}

/// The pod of the JobManager is deleted, as a drain of its node does. The next one finds the job in the HA metadata.
pub(super) async fn job_manager_replaced_in(stage: Stage, scene: &Scene, ledger: &mut RecordLedger) {
    let name = format!("job-manager-replaced-in-{}", stage.to_string().to_lowercase());
    let (orders, name) = (&scene.orders, name.as_str());
    deploy(scene, name, "1.0.0", &json!({}));
    let recovers = |status: &FlinkRolloutStatus| match stage {
        Stage::Monitor => status.watch.as_ref().is_some_and(|watch| watch.watching_since.is_some()),
        _ => status.job.as_ref().is_some_and(|job| job.restored_at.is_some()),
    };
    wait_in(scene, name, (Direction::Forward, stage), recovers).await;
    let job_manager = "app.kubernetes.io/component=jobmanager";
    orders.kubectl(&["delete", "pod", "-l", job_manager, "--wait=false"]);
    let status = expect_end(scene, ledger, name, ResultKind::Succeeded).await;
    if stage == Stage::Monitor {
        assert_eq!(status.watch.unwrap().restarts, 1, "{}", status.message);
    }
}
