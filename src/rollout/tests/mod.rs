//! Tests of the decision core on values alone. Each test changes one thing in a healthy world.

mod after_stop;
mod before_stop;
mod decision_rule;
mod decisions;
mod last_checkpoint;
mod leadership;
mod lost_job_manager;
mod monitor;
mod normal_events;
mod probes;
mod random_worlds;
mod record_result;
mod savepoint;
mod starts;
mod stop_status;
mod unknown_operations;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Effect, FlinkView, Operation, Step, StopStatus, World, next_step};
use crate::{
    api::{Direction, FlinkRolloutStatus, HaltKind, PerComponent, Plan, ResultKind, Stage},
    cluster::{HaConfigMaps, Workload},
    flink::{Checkpoints, JobDetail, JobOverview},
};

pub(super) const OLD_JOB: &str = "01d00000000000000000000000000000";
pub(super) const OTHER_JOB: &str = "02d00000000000000000000000000000";
pub(super) const POINT: &str = "file:/sp/r-u/savepoint-1";

pub(super) fn now() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

fn from_json<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// A rollout of `orders` from 1.0.0 to 1.1.0 in this stage, in a healthy world.
pub(super) fn world(stage: Stage) -> World {
    let mut world = World {
        now: now(),
        watched_since: now().checked_sub(SignedDuration::from_hours(1)).unwrap(),
        flink_answered_at: None,
        rollout: from_json(json!({
            "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkRollout",
            "metadata": {"name": "r", "namespace": "shop", "uid": "u", "resourceVersion": "1", "finalizers": ["lockkeeper.dev/rollout"]},
            "spec": {"request": {"application": "orders", "by": "slack:T/U1", "kind": "Deploy", "version": "1.1.0"}},
        })),
        application: Some(from_json(json!({
            "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkApplication", "metadata": {"name": "orders", "namespace": "shop"},
            "spec": {
                "chart": {"path": "/c"}, "versionValue": "version", "jobManager": "jm", "taskManager": "tm", "restService": {"name": "rest"},
                "savepoint": {"directory": "file:/sp"}, "highAvailability": {"kubernetesClusterId": "orders", "clusterId": "orders"},
            },
        }))),
        application_is_unreadable: false,
        claim: None,
        rivals: Vec::new(),
        shared_with: None,
        workloads: PerComponent { job_manager: workload("jm", 1), task_manager: workload("tm", 2) },
        autoscalers: Vec::new(),
        ha: HaConfigMaps::default(),
        flink: FlinkView::default(),
        savepoints_on_disk: None,
        probes: BTreeMap::new(),
        logged_start: None,
        logged_cause: None,
    };
    let mut status = FlinkRolloutStatus { revision: Some(1), ..FlinkRolloutStatus::default() };
    let plan = plan(&world);
    status.plan = (stage != Stage::Plan).then_some(plan);
    status.enter(&world, stage);
    world.rollout.status = Some(status);
    if matches!(stage, Stage::Plan | Stage::Savepoint) {
        world.flink.jobs = Some(vec![job_overview(OLD_JOB, "RUNNING")]);
    }
    if !matches!(stage, Stage::Plan | Stage::Approve | Stage::Savepoint) {
        change_status(&mut world, |status| status.restore_point = Some(from_json(restore_point())));
        complete_operation(&mut world, Operation::StopWithSavepoint);
    }
    world
}

pub(super) fn restore_point() -> Value {
    json!({"name": "r", "kind": "Savepoint", "path": POINT, "jobId": OLD_JOB, "at": "2026-01-01T11:59:50Z"})
}

/// The same world on the way back.
pub(super) fn world_going_back(stage: Stage) -> World {
    let mut world = world(stage);
    let base = world.clone();
    change_status(&mut world, |status| {
        status.direction = Direction::Back;
        status.attempt = 1;
        status.failure =
            Some(from_json(json!({"stage": "Monitor", "message": "3 restarts", "at": "2026-01-01T11:59:00Z"})));
        status.stages.clear();
        status.enter(&base, stage);
    });
    world
}

pub(super) fn plan(world: &World) -> Plan {
    let snapshot = |workload: &Workload| serde_json::to_value(workload.snapshot().unwrap()).unwrap();
    from_json(json!({
        "digest": "d1", "approvalsNeeded": 0, "expiresAt": "2026-01-01T12:30:00Z", "firstDeployment": false, "previousRevision": 0,
        "fromVersion": "1.0.0", "toVersion": "1.1.0", "changes": [],
        "current": {
            "job": {"id": OLD_JOB, "lastCheckpoint": {"path": "file:/cp/chk-7", "at": "2026-01-01T11:59:48Z"}},
            "flinkVersion": "2.2.1", "jobManager": snapshot(&world.workloads.job_manager), "taskManager": snapshot(&world.workloads.task_manager),
            "highAvailability": {"kubernetesClusterId": "orders", "clusterId": "orders"},
        },
        "target": {"revision": 1, "taskManagerReplicas": 3, "kubernetesClusterId": "orders"},
        "settings": {
            "jobManager": "jm", "taskManager": "tm", "restService": {"name": "rest", "port": 8081},
            "savepoint": {"directory": "file:/sp", "format": "CANONICAL", "timeoutSeconds": 60},
            "monitor": {"stabiliseSeconds": 5, "watchSeconds": 15, "restartsAllowed": 0, "checkpointsWanted": 2, "probes": []},
            "startDeadlineSeconds": 60, "automaticRollback": true,
        },
    }))
}

/// A healthy Deployment with one live ReplicaSet and its pods.
pub(super) fn workload(name: &str, replicas: i32) -> Workload {
    let set = format!("{name}-set");
    let pod = |number: i32| {
        json!({
            "metadata": {"name": format!("{name}-{number}"), "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": set, "uid": set}]},
            "status": {"phase": "Running", "containerStatuses": [{
                "name": "main", "image": "i", "imageID": "i@1", "ready": true, "restartCount": 0, "state": {"running": {}}, "lastState": {}}]},
        })
    };
    let template = json!({"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "main"}]}});
    Workload {
        deployment: Some(from_json(json!({
            "metadata": {"name": name, "uid": name, "generation": 1, "resourceVersion": "1"},
            "spec": {"replicas": replicas, "selector": {}, "template": template},
            "status": {"observedGeneration": 1, "replicas": replicas},
        }))),
        replica_sets: vec![from_json(json!({
            "metadata": {"name": set, "uid": set}, "spec": {"selector": {}, "replicas": replicas, "template": template}}))],
        pods: (0..replicas).map(|number| from_json(pod(number))).collect(),
        warnings: Vec::new(),
    }
}

pub(super) fn job_overview(id: &str, state: &str) -> JobOverview {
    from_json(json!({"jid": id, "name": "orders", "state": state}))
}

pub(super) fn job_detail(state: &str, running: u32) -> JobDetail {
    from_json(json!({
        "state": state, "vertices": [{"id": "v", "name": "count", "parallelism": 2, "tasks": {"RUNNING": running, "SCHEDULED": 2 - running}}],
    }))
}

pub(super) fn checkpoint_counts(restored: u64, path: &str, completed: u64) -> Checkpoints {
    from_json(json!({
        "counts": {"restored": restored, "completed": completed, "failed": 0},
        "latest": {"restored": {"is_savepoint": true, "external_path": path}},
    }))
}

pub(super) fn change_status(world: &mut World, change: impl FnOnce(&mut FlinkRolloutStatus)) {
    change(world.rollout.status.as_mut().unwrap());
}

/// Records an operation of the current direction and attempt as completed.
pub(super) fn complete_operation(world: &mut World, operation: Operation) {
    use super::StatusExt as _;
    let at = world.time();
    change_status(world, |status| {
        status.intend("u", operation, now());
        status.operations.last_mut().unwrap().completed_at = Some(at);
    });
}

pub(super) fn advance_clock(world: &mut World, seconds: i64) {
    world.now = world.now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
}

/// The status of the world's rollout, halted in its stage.
pub(super) fn halted(world: &World, why: &str) -> FlinkRolloutStatus {
    super::halt(world, world.status(), HaltKind::NeedsDecision, why)
}

/// The status of the world's rollout, parked in its stage.
pub(super) fn parked(world: &World, why: &str) -> FlinkRolloutStatus {
    super::transition::park(world, world.status(), why)
}

/// Looks until nothing new is recorded, as long as the rollout stays where it is.
pub(super) fn look(world: &mut World) {
    for _ in 0..5 {
        let before = world.status();
        let Step::Record(next) = next_step(world) else { return };
        let stays = |status: &FlinkRolloutStatus| {
            (status.stage, status.direction, status.halt.is_some(), status.ending.is_some(), status.stages.len())
        };
        if stays(&before) != stays(&next) {
            return;
        }
        world.rollout.status = Some(*next);
    }
}

/// The status that is written next.
pub(super) fn next_status(world: &World) -> FlinkRolloutStatus {
    match next_step(world) {
        Step::Record(status) => *status,
        other => panic!("nothing is recorded: {other:?}"),
    }
}

/// The status that is written next, or the recorded one if nothing is written.
pub(super) fn next_status_or_same(world: &World) -> FlinkRolloutStatus {
    match next_step(world) {
        Step::Record(status) => *status,
        _ => world.status(),
    }
}

/// The operation that is carried out next, and its effect.
pub(super) fn next_effect(world: &World) -> (Operation, Effect) {
    match next_step(world) {
        Step::Act(operation, effect) => (operation, *effect),
        other => panic!("nothing is done: {other:?}"),
    }
}

/// The result of the rollout, after the operations before the result are completed.
pub(super) fn result_of(world: &World) -> (ResultKind, String) {
    let mut world = world.clone();
    if world.status().ending.is_none() {
        let decided = next_status(&world);
        assert!(decided.ending.is_some(), "it does not end: {} {}", decided.phase, decided.message);
        world.rollout.status = Some(decided);
    }
    for operation in [Operation::DeleteAddresses, Operation::DiscardRevision, Operation::WriteHistory] {
        complete_operation(&mut world, operation);
    }
    let status = next_status(&world);
    let result = status.result.unwrap_or_else(|| panic!("it does not end: {} {}", status.phase, status.message));
    (result.kind, result.message)
}
