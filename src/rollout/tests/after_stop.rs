//! After the stop: forward turns back, back halts, and nothing is started over uncleared metadata.

use k8s_openapi::api::core::v1::ConfigMap;

use super::{monitor::watched, *};
use crate::{api::Component, rollout::ids::job_id};

fn ha_map(name: &str) -> ConfigMap {
    from_json(json!({"metadata": {"name": name, "uid": name, "creationTimestamp": "2026-01-01T11:59:59Z"}}))
}

fn stopped(mut world: World) -> World {
    world.workloads.job_manager = workload("jm", 0);
    world.workloads.task_manager = workload("tm", 0);
    world
}

#[test]
fn pods_that_were_left_behind_halt_it_too() {
    let mut world = stopped(world(Stage::Stop));
    world.workloads.task_manager.pods = workload("tm", 1).pods;
    assert!(matches!(next_step(&world), Step::Wait(_)));
    later(&mut world, 301);
    assert!(recorded(&world).halt.unwrap().message.contains("tm-0"), "nothing was left to scale down");
}

#[test]
fn the_job_manager_goes_first_then_the_task_managers() {
    let mut world = world(Stage::Stop);
    assert!(matches!(acted(&world).1, Effect::Stop(Component::JobManager)));
    let mut terminating = world.workloads.job_manager.pods.clone();
    terminating[0].metadata.deletion_timestamp = Some(world.time());
    world.workloads.job_manager = workload("jm", 0);
    world.workloads.job_manager.pods = terminating;
    assert!(matches!(acted(&world).1, Effect::ReleaseJobManager { .. }));
    complete(&mut world, Operation::ReleaseJobManager);
    assert!(matches!(acted(&world).1, Effect::Stop(Component::TaskManager)));
    world.workloads.task_manager = workload("tm", 0);
    assert!(matches!(next_step(&world), Step::Wait(_)), "a pod that terminates still counts");
    world.workloads.job_manager.pods.clear();
    assert_eq!(recorded(&world).stage, Stage::ClearHa);
}

#[test]
fn an_old_job_that_ran_again_is_told() {
    let mut world = stopped(world(Stage::Stop));
    world.ha.items = vec![ha_map(&format!("orders-{}-config-map", "a".repeat(32)))];
    let status = recorded(&world);
    assert_eq!(status.stage, Stage::ClearHa);
    assert!(status.duplicates.is_some());
}

#[test]
fn a_container_that_started_after_the_savepoint_ran_the_old_job_again() {
    let mut world = world(Stage::Stop);
    let started = json!([{"name": "main", "image": "i", "imageID": "i", "ready": true, "restartCount": 1,
        "state": {"running": {"startedAt": "2026-01-01T11:59:55Z"}}}]);
    world.workloads.job_manager.pods[0].status.as_mut().unwrap().container_statuses = Some(from_json(started));
    // The stop was asked for, and the process was away when it came back.
    set(&mut world, |status| status.operations.last_mut().unwrap().completed_at = None);
    world.rollout.status = Some(recorded(&world));
    assert!(matches!(acted(&world).1, Effect::Stop(Component::JobManager)));
    let mut world = stopped(world);
    later(&mut world, 3);
    let status = recorded(&world);
    let duplicates = status.duplicates.unwrap();
    assert_eq!(duplicates.from.0.to_string(), "2026-01-01T11:59:55Z");
    assert_eq!(duplicates.to.0, world.now);
    assert!(status.stages.iter().any(|record| record.evidence.contains("duplicates possible")));
    let mut back = stopped(world_going_back(Stage::Stop));
    set(&mut back, |status| status.duplicates = Some(duplicates.clone()));
    later(&mut back, 600);
    assert_eq!(recorded(&back).duplicates, Some(duplicates), "it was the failed version that stopped now");
}

#[test]
fn a_deadline_that_passed_while_nobody_looked_is_tried_again_first() {
    let mut metadata = stopped(world(Stage::ClearHa));
    metadata.ha.items = vec![ha_map("orders-cluster-config-map")];
    let mut written = stopped(world(Stage::Deploy));
    written.rollout.status = Some(recorded(&written));
    let mut silent = started(world_going_back(Stage::Verify), 1, POINT, 0);
    silent.flink = crate::rollout::FlinkView { unknown: Some("no answer".into()), ..Default::default() };
    for mut world in vec![metadata, written, silent].into_boxed_slice() {
        later(&mut world, 400);
        assert!(
            matches!(next_step(&world), Step::Record(_)),
            "it was looked at all the time: {}",
            world.status().phase
        );
        world.watched_since = world.now;
        let next = next_step(&world);
        assert!(matches!(next, Step::Act(..) | Step::Wait(_)), "{next:?}");
    }
}

#[test]
fn pods_that_stay_halt_it() {
    let mut world = world(Stage::Stop);
    complete(&mut world, Operation::StopTaskManagers);
    later(&mut world, 301);
    let status = recorded(&world);
    assert_eq!(status.phase, "Halted");
    assert!(status.message.contains("jm-0"), "{}", status.message);
}

#[test]
fn metadata_is_cleared_only_with_the_proofs() {
    let mut cleared = stopped(world(Stage::ClearHa));
    cleared.ha.items = vec![ha_map("orders-cluster-config-map")];
    assert!(matches!(acted(&cleared).1, Effect::ClearHa { proof } if proof.maps().items.len() == 1));

    let mut without_point = cleared.clone();
    set(&mut without_point, |status| status.restore_point = None);
    assert_eq!(recorded(&without_point).phase, "Halted");

    let mut a_pod_came_back = cleared.clone();
    a_pod_came_back.workloads.job_manager = workload("jm", 1);
    assert_eq!(recorded(&a_pod_came_back).stage, Stage::Stop);

    later(&mut cleared, 121);
    let status = recorded(&cleared);
    assert!(status.halt.unwrap().parked);
}

#[test]
fn each_direction_starts_from_the_restore_point_with_a_job_id_of_its_own() {
    let forward = recorded(&stopped(world(Stage::Deploy))).job.unwrap();
    let back = recorded(&stopped(world_going_back(Stage::Restore))).job.unwrap();
    assert_eq!(forward.start_path.as_deref(), Some(POINT));
    assert_eq!(back.start_path.as_deref(), Some(POINT));
    assert_ne!(forward.job_id, back.job_id);
}

#[test]
fn the_recorded_replicas_come_back_and_not_the_targets() {
    let cases: [(fn() -> World, i32); 2] =
        [(|| stopped(world(Stage::Deploy)), 3), (|| stopped(world_going_back(Stage::Restore)), 2)];
    for (build, wanted) in cases {
        let mut world = build();
        let status = recorded(&world);
        world.rollout.status = Some(status);
        for operation in [Operation::ApplyObjects, Operation::WriteWorkloads] {
            complete(&mut world, operation);
        }
        assert!(matches!(acted(&world).1, Effect::Start { task_managers } if task_managers == wanted));
    }
}

/// A started job, as Flink shows it.
pub(super) fn started(mut world: World, restored: u64, path: &str, running: u32) -> World {
    let status = world.status();
    let id = job_id("u", status.direction, status.attempt);
    set(&mut world, |status| status.job = Some(from_json(json!({"jobId": id, "startPath": POINT}))));
    world.flink.jobs = Some(vec![job(&id, "RUNNING")]);
    world.flink.job = Some(detail("RUNNING", running));
    world.flink.checkpoints = Some(checkpoints(restored, path, 0));
    world
}

#[test]
fn a_start_counts_only_with_its_proof() {
    let good = started(world(Stage::Verify), 1, POINT, 2);
    let status = recorded(&good);
    assert!(status.job.as_ref().unwrap().restored_at.is_some());
    let mut running = good.clone();
    running.rollout.status = Some(status);
    let status = recorded(&running);
    assert_eq!((status.stage, status.downtime_millis), (Stage::Monitor, Some(10_000)));

    let wrong = recorded(&started(world(Stage::Verify), 1, "file:/sp/other", 2));
    assert_eq!((wrong.direction, wrong.stage), (Direction::Back, Stage::Stop));
    assert!(wrong.failure.unwrap().message.contains("file:/sp/other"));
}

#[test]
fn a_job_that_runs_empty_is_found_out() {
    let mut world = started(world(Stage::Verify), 0, POINT, 2);
    world.flink.checkpoints = Some(from_json(json!({"counts": {"restored": 0}})));
    assert!(recorded(&world).failure.unwrap().message.contains("runs empty"));
}

#[test]
fn a_restart_before_the_first_look_is_not_a_wrong_restore() {
    let mut world = started(world(Stage::Verify), 2, "file:/cp/x/chk-3", 2);
    assert!(matches!(next_step(&world), Step::Wait(_)), "the log decides");
    world.logged_start = Some(POINT.into());
    assert!(recorded(&world).job.unwrap().restored_at.is_some());
}

#[test]
fn running_without_slots_is_not_running() {
    let mut world = started(world(Stage::Verify), 1, POINT, 1);
    world.flink.slots = Some((1, 0));
    set(&mut world, |status| {
        status.job.as_mut().unwrap().restored_at = Some(crate::api::time(now()));
    });
    assert!(matches!(next_step(&world), Step::Wait(_)));
    later(&mut world, 61);
    let message = recorded(&world).failure.unwrap().message;
    assert!(message.contains("needs 2 slots, the TaskManagers offer 1"), "{message}");
}

#[test]
fn a_job_that_never_shows_is_told_with_what_flink_said_instead() {
    let mut world = started(world(Stage::Verify), 1, POINT, 0);
    world.flink = crate::rollout::FlinkView { unknown: Some("no answer within 5 s".into()), ..Default::default() };
    later(&mut world, 61);
    let message = recorded(&world).failure.unwrap().message;
    assert!(message.contains("shows no job") && message.ends_with("no answer within 5 s"), "{message}");
}

#[test]
fn an_exit_of_the_job_manager_ends_it_at_once() {
    let mut world = started(world(Stage::Verify), 1, POINT, 0);
    world.logged_cause = Some("Cannot map checkpoint/savepoint state".into());
    let ended = json!([{"name": "main", "image": "i", "imageID": "i", "ready": false, "restartCount": 1, "state": {},
        "lastState": {"terminated": {"exitCode": 2, "reason": "Error"}}}]);
    world.workloads.job_manager.pods[0].status.as_mut().unwrap().container_statuses = Some(from_json(ended));
    let message = recorded(&world).failure.unwrap().message;
    assert!(message.contains("exit code 2") && message.contains("Cannot map checkpoint/savepoint state"), "{message}");
}

#[test]
fn an_exit_whose_log_is_out_of_reach_is_told_a_little_later() {
    let mut world = started(world(Stage::Verify), 1, POINT, 0);
    let ended = json!([{"name": "main", "image": "i", "imageID": "i", "ready": false, "restartCount": 1, "state": {},
        "lastState": {"terminated": {"exitCode": 2, "reason": "Error", "finishedAt": world.time()}}}]);
    world.workloads.job_manager.pods[0].status.as_mut().unwrap().container_statuses = Some(from_json(ended));
    world.flink = crate::rollout::FlinkView { unknown: Some("no answer".into()), ..Default::default() };
    assert!(matches!(next_step(&world), Step::Wait(_)), "its log may be there at the next look");
    let mut again = watched(world.clone(), 1, 12);
    set(&mut again, |status| status.stage = Stage::Monitor);
    assert!(matches!(next_step(&again), Step::Wait(_)), "the next container runs the job as if nothing had been");
    for world in [&mut world, &mut again] {
        later(world, 10);
        assert!(recorded(world).failure.unwrap().message.contains("exit code 2"), "it is not waited for any longer");
    }
}

#[test]
fn what_ran_before_may_take_its_time_to_start() {
    let mut world = started(world_going_back(Stage::Verify), 1, POINT, 0);
    let mut status = world.status();
    assert_eq!(status.plan.as_ref().unwrap().settings.start_deadline_seconds, 60);
    status.enter(&world, Stage::Verify);
    status.job.as_mut().unwrap().restored_at = Some(world.time());
    world.rollout.status = Some(status);
    later(&mut world, 200);
    assert!(matches!(next_step(&world), Step::Wait(_)), "a short deadline is for versions that may be bad");
    later(&mut world, 101);
    let halt = recorded(&world).halt.unwrap();
    assert!(halt.parked && halt.message.contains("within 300 s"), "{}", halt.message);
}

#[test]
fn a_job_that_failed_is_told_with_its_reason_wherever_that_is_found() {
    for stage in [Stage::Verify, Stage::Monitor] {
        let mut world = watched(world(stage), 1, 0);
        let mut failed = detail("FAILED", 0);
        failed.timestamps.insert("FAILED".into(), 1000);
        failed.now = 1400;
        world.flink.job = Some(failed);
        let waits = match next_step(&world) {
            Step::Record(status) => status.failure.is_none(),
            other => matches!(other, Step::Wait(_)),
        };
        assert!(waits, "its JobManager is about to exit, and its log knows why");

        let mut answered = world.clone();
        answered.flink.exceptions = Some(from_json(json!({"exceptionHistory": {"entries": [
            {"stacktrace": "E: outer\nCaused by: E: Cannot map checkpoint/savepoint state"}]}})));
        let message = recorded(&answered).failure.unwrap().message;
        assert_eq!(message, "the job is FAILED: E: Cannot map checkpoint/savepoint state");

        world.flink.job.as_mut().unwrap().now = 11_000;
        assert_eq!(
            recorded(&world).failure.unwrap().message,
            "the job is FAILED",
            "it stays, and nobody waits for ever"
        );
    }
}

#[test]
fn an_init_container_that_ended_well_is_no_trouble() {
    let mut world = started(world(Stage::Verify), 1, POINT, 2);
    let ended = json!([{"name": "init", "image": "i", "imageID": "i", "ready": true, "restartCount": 0,
        "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]);
    world.workloads.job_manager.pods[0].status.as_mut().unwrap().init_container_statuses = Some(from_json(ended));
    assert_eq!(recorded(&world).direction, Direction::Forward);
}

#[test]
fn the_way_back_ends_with_the_reason_it_was_taken_for() {
    assert_eq!(
        end(&watched(world_going_back(Stage::Monitor), 1, 2)),
        (ResultKind::RolledBack, "3 restarts".to_owned())
    );
}

#[test]
fn a_way_back_that_is_unhealthy_is_left_running_and_halts() {
    let status = recorded(&watched(world_going_back(Stage::Monitor), 2, 2));
    let halt = status.halt.unwrap();
    assert!(!halt.parked);
    assert!(halt.message.contains("left running"));
}

#[test]
fn a_way_back_that_cannot_start_is_parked_with_everything_ready() {
    let mut world = started(world_going_back(Stage::Verify), 1, "file:/sp/other", 2);
    let status = recorded(&world);
    assert!(status.halt.as_ref().unwrap().parked);
    assert_eq!(status.halt.as_ref().unwrap().commands.len(), 2);
    world.rollout.status = Some(status);
    assert!(matches!(acted(&world).1, Effect::Stop(Component::JobManager)));
    let mut world = stopped(world);
    world.ha.items = vec![ha_map("orders-cluster-config-map")];
    assert!(matches!(acted(&world).1, Effect::ClearHa { .. }));
    world.ha.items.clear();
    let Effect::WriteWorkloads { start } = acted(&world).1 else { panic!("no template") };
    assert_eq!(start.path.as_deref(), Some(POINT));
    assert_ne!(start.job_id, job_id("u", Direction::Back, 1), "a fresh one");
}

#[test]
fn what_scales_up_behind_the_stop_is_not_fought_for_ever() {
    let mut world = world(Stage::ClearHa);
    world.ha.items = vec![ha_map("orders-cluster-config-map")];
    for _ in 0..3 {
        world.rollout.status = Some(recorded(&world));
        assert_eq!(world.status().stage, Stage::Stop, "done again");
        let base = world.clone();
        set(&mut world, |status| status.enter(&base, Stage::ClearHa));
    }
    let base = world.clone();
    set(&mut world, |status| {
        status.enter(&base, Stage::Stop);
        status.enter(&base, Stage::ClearHa);
    });
    let halt = recorded(&world).halt.unwrap();
    assert!(halt.message.contains("autoscaler"), "{}", halt.message);
}

#[test]
fn no_deployment_is_written_over_what_runs_or_over_metadata() {
    let mut ready = stopped(world(Stage::Deploy));
    ready.rollout.status = Some(recorded(&ready));
    complete(&mut ready, Operation::ApplyObjects);
    assert_eq!(acted(&ready).0, Operation::WriteWorkloads);
    let mut metadata = ready.clone();
    metadata.ha.items = vec![ha_map("orders-cluster-config-map")];
    assert_eq!(recorded(&metadata).stage, Stage::Stop);
    let mut scaled_up = ready;
    scaled_up.workloads.job_manager = workload("jm", 1);
    assert_eq!(recorded(&scaled_up).stage, Stage::Stop);
}

/// Nothing ran, and an empty start was asked for by name.
fn empty_start(stage: Stage) -> World {
    let mut world = stopped(world(stage));
    world.rollout.spec.request.start_from = from_json(json!({"from": "Nothing"}));
    set(&mut world, |status| {
        status.restore_point = None;
        status.plan.as_mut().unwrap().current.as_mut().unwrap().job = None;
    });
    world
}

#[test]
fn an_empty_start_that_was_asked_for_may_clear_metadata_where_nothing_ran() {
    let mut world = empty_start(Stage::ClearHa);
    world.ha.items = vec![ha_map("orders-cluster-config-map")];
    assert!(matches!(acted(&world).1, Effect::ClearHa { proof } if proof.start_path().is_none()));
    set(&mut world, |status| {
        status.plan.as_mut().unwrap().current.as_mut().unwrap().job = Some(from_json(json!({"id": OLD_JOB})));
    });
    assert_eq!(recorded(&world).phase, "Halted", "a job ran: its state needs a restore point");
}

#[test]
fn where_nothing_ran_the_way_back_ends_at_rest() {
    let mut world = empty_start(Stage::Stop);
    set(&mut world, |status| status.direction = Direction::Back);
    let ending = recorded(&world).ending.unwrap();
    assert_eq!(ending.kind, ResultKind::Failed);
    assert_eq!(ending.choices[0].start_from.from, crate::api::StartFromKind::Nothing);
}

#[test]
fn only_what_is_at_rest_counts_as_parked() {
    for parked in [true, false] {
        let mut world = stopped(world_going_back(Stage::Verify));
        let halted = crate::rollout::halt(&world, world.status(), "no image", parked, Vec::new());
        world.rollout.status = Some(halted);
        world.rollout.metadata.deletion_timestamp = Some(world.time());
        world.rollout.status = Some(recorded(&world));
        let Effect::WriteHistory { status } = acted(&world).1 else { panic!("no history") };
        assert_eq!(status.parked_at.is_some(), parked);
    }
}

#[test]
fn a_first_deployment_from_a_path_has_nothing_to_return_to_either() {
    let mut world = stopped(world(Stage::Stop));
    set(&mut world, |status| {
        status.direction = Direction::Back;
        status.plan.as_mut().unwrap().current = None;
    });
    assert_eq!(recorded(&world).ending.unwrap().kind, ResultKind::Failed);
}
