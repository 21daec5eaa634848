//! Tests of the stages after the stop. A failure on the way forward turns back, and one on the way back halts. No job starts while
//! HA metadata is left.

use k8s_openapi::api::core::v1::ConfigMap;

use super::{monitor::with_watch, starts::with_started_job, *};
use crate::api::Component;

pub(super) fn ha_map(name: &str) -> ConfigMap {
    from_json(json!({"metadata": {"name": name, "uid": name, "creationTimestamp": "2026-01-01T11:59:59Z"}}))
}

pub(super) fn scale_to_zero(mut world: World) -> World {
    world.workloads.job_manager = workload("jm", 0);
    world.workloads.task_manager = workload("tm", 0);
    world
}

#[test]
fn pods_left_behind_after_the_scale_down_halt_the_rollout() {
    let mut world = scale_to_zero(world(Stage::Stop));
    world.workloads.task_manager.pods = workload("tm", 1).pods;
    assert!(matches!(next_step(&world), Step::Wait(_)));
    advance_clock(&mut world, 301);
    assert!(next_status(&world).halt.unwrap().message.contains("tm-0"), "the Deployments were already at 0");
}

#[test]
fn the_job_manager_is_stopped_before_the_task_managers() {
    let mut world = world(Stage::Stop);
    assert!(matches!(next_effect(&world).1, Effect::Stop(Component::JobManager)));
    let mut terminating = world.workloads.job_manager.pods.clone();
    terminating[0].metadata.deletion_timestamp = Some(world.time());
    world.workloads.job_manager = workload("jm", 0);
    world.workloads.job_manager.pods = terminating;
    assert!(matches!(next_effect(&world).1, Effect::ReleaseJobManager { .. }));
    complete_operation(&mut world, Operation::ReleaseJobManager);
    assert!(matches!(next_effect(&world).1, Effect::Stop(Component::TaskManager)));
    world.workloads.task_manager = workload("tm", 0);
    assert!(matches!(next_step(&world), Step::Wait(_)), "a pod that terminates still counts");
    world.workloads.job_manager.pods.clear();
    assert_eq!(next_status(&world).stage, Stage::ClearHa);
}

#[test]
fn an_old_job_that_ran_again_is_reported_as_duplicates() {
    let mut world = scale_to_zero(world(Stage::Stop));
    world.ha.items = vec![ha_map(&format!("orders-{}-config-map", "a".repeat(32)))];
    let status = next_status(&world);
    assert_eq!(status.stage, Stage::ClearHa);
    assert!(status.duplicates.is_some());
}

#[test]
fn a_container_that_started_after_the_savepoint_ran_the_old_job_again() {
    let mut world = world(Stage::Stop);
    let started = json!([{"name": "main", "image": "i", "imageID": "i", "ready": true, "restartCount": 1,
        "state": {"running": {"startedAt": "2026-01-01T11:59:55Z"}}}]);
    world.workloads.job_manager.pods[0].status.as_mut().unwrap().container_statuses = Some(from_json(started));
    // The stop was requested, but the process ended before it recorded the completion.
    change_status(&mut world, |status| status.operations.last_mut().unwrap().completed_at = None);
    world.rollout.status = Some(next_status(&world));
    assert!(matches!(next_effect(&world).1, Effect::Stop(Component::JobManager)));
    let mut world = scale_to_zero(world);
    advance_clock(&mut world, 3);
    let status = next_status(&world);
    let duplicates = status.duplicates.unwrap();
    assert_eq!(duplicates.from.0.to_string(), "2026-01-01T11:59:55Z");
    assert_eq!(duplicates.to.0, world.now);
    assert!(status.stages.iter().any(|record| record.evidence.contains("duplicates possible")));
    let mut back = scale_to_zero(world_going_back(Stage::Stop));
    change_status(&mut back, |status| status.duplicates = Some(duplicates.clone()));
    advance_clock(&mut back, 600);
    assert_eq!(next_status(&back).duplicates, Some(duplicates), "this time the failed version stopped");
}

#[test]
fn a_deadline_that_passed_without_observation_is_tried_again_first() {
    let mut metadata = scale_to_zero(world(Stage::ClearHa));
    metadata.ha.items = vec![ha_map("orders-cluster-config-map")];
    let mut written = scale_to_zero(world(Stage::Deploy));
    written.rollout.status = Some(next_status(&written));
    let mut silent = with_started_job(world_going_back(Stage::Verify), 1, POINT, 0);
    look(&mut silent);
    silent.flink = crate::rollout::FlinkView { unknown: Some("no answer".into()), ..Default::default() };
    for mut world in vec![metadata, written, silent].into_boxed_slice() {
        advance_clock(&mut world, 400);
        assert!(
            matches!(next_step(&world), Step::Record(_)),
            "it was observed without a gap: {}",
            world.status().phase
        );
        world.watched_since = world.now;
        look(&mut world);
        let next = next_step(&world);
        assert!(matches!(next, Step::Act(..) | Step::Wait(_)), "{next:?}");
    }
}

#[test]
fn pods_that_stay_after_the_stop_halt_the_rollout() {
    let mut world = world(Stage::Stop);
    complete_operation(&mut world, Operation::StopTaskManagers);
    advance_clock(&mut world, 301);
    let status = next_status(&world);
    assert_eq!(status.phase, "Halted");
    assert!(status.message.contains("jm-0"), "{}", status.message);
}

#[test]
fn ha_metadata_is_cleared_only_with_all_proofs() {
    let mut cleared = scale_to_zero(world(Stage::ClearHa));
    cleared.ha.items = vec![ha_map("orders-cluster-config-map")];
    assert!(matches!(next_effect(&cleared).1, Effect::ClearHa { proof } if proof.maps().items.len() == 1));

    let mut without_point = cleared.clone();
    change_status(&mut without_point, |status| status.restore_point = None);
    assert_eq!(next_status(&without_point).phase, "Halted");

    let mut a_pod_came_back = cleared.clone();
    a_pod_came_back.workloads.job_manager = workload("jm", 1);
    assert_eq!(next_status(&a_pod_came_back).stage, Stage::Stop);

    advance_clock(&mut cleared, 121);
    let halt = next_status(&cleared).halt.unwrap();
    assert_eq!((halt.kind, halt.parked), (HaltKind::NotWritten, false));
    assert!(halt.message.contains("continues by itself"), "{}", halt.message);
}

#[test]
fn each_direction_starts_from_the_restore_point_with_a_job_id_of_its_own() {
    let forward = next_status(&scale_to_zero(world(Stage::Deploy))).job.unwrap();
    let back = next_status(&scale_to_zero(world_going_back(Stage::Restore))).job.unwrap();
    assert_eq!(forward.start_path.as_deref(), Some(POINT));
    assert_eq!(back.start_path.as_deref(), Some(POINT));
    assert_ne!(forward.job_id, back.job_id);
}

#[test]
fn each_direction_starts_with_its_own_replicas() {
    let cases: [(fn() -> World, i32); 2] =
        [(|| scale_to_zero(world(Stage::Deploy)), 3), (|| scale_to_zero(world_going_back(Stage::Restore)), 2)];
    for (build, wanted) in cases {
        let mut world = build();
        let status = next_status(&world);
        world.rollout.status = Some(status);
        for operation in [Operation::ApplyObjects, Operation::WriteWorkloads] {
            complete_operation(&mut world, operation);
        }
        assert!(matches!(next_effect(&world).1, Effect::Start { task_managers } if task_managers == wanted));
    }
}

#[test]
fn the_way_back_ends_with_the_reason_of_the_failure() {
    assert_eq!(
        result_of(&with_watch(world_going_back(Stage::Monitor), 1, 2)),
        (ResultKind::RolledBack, "3 restarts".to_owned())
    );
}

#[test]
fn a_way_back_that_is_unhealthy_is_left_running_and_halts() {
    let status = next_status(&with_watch(world_going_back(Stage::Monitor), 2, 2));
    let halt = status.halt.unwrap();
    assert!(!halt.parked);
    assert!(halt.message.contains("left running"));
}

#[test]
fn a_scale_up_after_the_stop_is_undone_only_a_few_times() {
    let mut world = world(Stage::ClearHa);
    world.ha.items = vec![ha_map("orders-cluster-config-map")];
    for _ in 0..3 {
        world.rollout.status = Some(next_status(&world));
        assert_eq!(world.status().stage, Stage::Stop, "done again");
        let base = world.clone();
        change_status(&mut world, |status| status.enter(&base, Stage::ClearHa));
    }
    let base = world.clone();
    change_status(&mut world, |status| {
        status.enter(&base, Stage::Stop);
        status.enter(&base, Stage::ClearHa);
    });
    let halt = next_status(&world).halt.unwrap();
    assert!(halt.message.contains("autoscaler"), "{}", halt.message);
}

#[test]
fn no_deployment_is_written_over_what_runs_or_over_metadata() {
    let mut ready = scale_to_zero(world(Stage::Deploy));
    ready.rollout.status = Some(next_status(&ready));
    complete_operation(&mut ready, Operation::ApplyObjects);
    assert_eq!(next_effect(&ready).0, Operation::WriteWorkloads);
    let mut metadata = ready.clone();
    metadata.ha.items = vec![ha_map("orders-cluster-config-map")];
    assert_eq!(next_status(&metadata).stage, Stage::Stop);
    let mut scaled_up = ready;
    scaled_up.workloads.job_manager = workload("jm", 1);
    assert_eq!(next_status(&scaled_up).stage, Stage::Stop);
}

/// No job ran, and an empty start was requested by name.
fn world_with_empty_start(stage: Stage) -> World {
    let mut world = scale_to_zero(world(stage));
    world.rollout.spec.request.start_from = from_json(json!({"from": "Nothing"}));
    change_status(&mut world, |status| {
        status.restore_point = None;
        status.plan.as_mut().unwrap().current.as_mut().unwrap().job = None;
    });
    world
}

#[test]
fn an_empty_start_that_was_asked_for_may_clear_metadata_where_nothing_ran() {
    let mut world = world_with_empty_start(Stage::ClearHa);
    world.ha.items = vec![ha_map("orders-cluster-config-map")];
    assert!(matches!(next_effect(&world).1, Effect::ClearHa { proof } if proof.start_path().is_none()));
    change_status(&mut world, |status| {
        status.plan.as_mut().unwrap().current.as_mut().unwrap().job = Some(from_json(json!({"id": OLD_JOB})));
    });
    assert_eq!(next_status(&world).phase, "Halted", "a job ran: its state needs a restore point");
}

#[test]
fn a_way_back_to_nothing_ends_at_rest() {
    let mut world = world_with_empty_start(Stage::Stop);
    change_status(&mut world, |status| status.direction = Direction::Back);
    let ending = next_status(&world).ending.unwrap();
    assert_eq!(ending.kind, ResultKind::Failed);
    assert_eq!(ending.choices[0].start_from.from, crate::api::StartFromKind::Nothing);
}

#[test]
fn an_application_that_is_given_up_at_0_replicas_is_recorded_as_parked() {
    for at_zero in [true, false] {
        let mut world = world_going_back(Stage::Verify);
        world.rollout.status = Some(halted(&world, "no image"));
        if at_zero {
            world = scale_to_zero(world);
        }
        world.rollout.metadata.deletion_timestamp = Some(world.time());
        world.rollout.status = Some(next_status(&world));
        let Effect::WriteHistory { status } = next_effect(&world).1 else { panic!("no history") };
        assert_eq!(status.parked_at.is_some(), at_zero);
    }
}

#[test]
fn a_first_deployment_from_a_path_has_nothing_to_return_to() {
    let mut world = scale_to_zero(world(Stage::Stop));
    change_status(&mut world, |status| {
        status.direction = Direction::Back;
        status.plan.as_mut().unwrap().current = None;
    });
    assert_eq!(next_status(&world).ending.unwrap().kind, ResultKind::Failed);
}
