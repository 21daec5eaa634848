//! Normal events in a cluster do not fail a rollout, and one look proves nothing.

use super::{monitor::with_watch, starts::with_started_job, *};

/// The restore of the started job is proven; `running` of its 2 tasks run.
fn world_with_proven_restore(start: World, running: u32) -> World {
    let mut world = with_started_job(start, 1, POINT, running);
    change_status(&mut world, |status| status.job.as_mut().unwrap().restored_at = Some(crate::api::time(now())));
    world
}

/// A pod of the workload that no node accepts.
pub(super) fn add_pending_pod(world: &mut World) {
    world.workloads.task_manager.pods.push(from_json(json!({
        "metadata": {"name": "tm-9"},
        "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/1 nodes are available"}]},
    })));
}

#[test]
fn a_start_waits_for_a_node_in_both_directions_and_says_so() {
    for start in [world, world_going_back] {
        let mut world = world_with_proven_restore(start(Stage::Verify), 1);
        add_pending_pod(&mut world);
        let failure = world.status().failure;
        look(&mut world);
        let status = world.status();
        assert!(status.halt.is_none() && status.failure == failure);
        assert_eq!(status.message, "pod tm-9 waits for a node: 0/1 nodes are available");
        assert_eq!(status.waiting.map(|waiting| (waiting.sign, waiting.since.0)), Some(("NoNode".to_owned(), now())));
        assert!(matches!(next_step(&world), Step::Wait(_)));
    }
}

#[test]
fn a_start_that_gets_no_node_until_the_deadline_fails_and_names_the_pod() {
    let mut world = world_with_proven_restore(world(Stage::Verify), 1);
    add_pending_pod(&mut world);
    look(&mut world);
    advance_clock(&mut world, 61);
    let message = next_status(&world).failure.unwrap().message;
    assert!(message.contains("pod tm-9 waits for a node"), "{message}");
}

#[test]
fn a_surplus_pod_without_a_node_does_not_fail_a_job_whose_tasks_all_run() {
    let mut world = world_with_proven_restore(world(Stage::Verify), 2);
    add_pending_pod(&mut world);
    assert_eq!(next_status(&world).stage, Stage::Monitor);

    let mut world = with_watch(super::world(Stage::Monitor), 1, 2);
    add_pending_pod(&mut world);
    assert_eq!(next_status(&world).ending.unwrap().kind, ResultKind::Succeeded);
}

/// The job with a bounded source that has finished beside a vertex that runs.
fn add_finished_vertex(world: &mut World) {
    let vertex = json!({"id": "s", "name": "dim source", "parallelism": 2, "tasks": {"FINISHED": 2}});
    world.flink.job.as_mut().unwrap().vertices.push(from_json(vertex));
}

#[test]
fn a_job_with_a_finished_source_is_healthy() {
    let mut world = world_with_proven_restore(world(Stage::Verify), 2);
    add_finished_vertex(&mut world);
    assert_eq!(next_status(&world).stage, Stage::Monitor);

    let mut world = with_watch(super::world(Stage::Monitor), 1, 2);
    add_finished_vertex(&mut world);
    assert_eq!(next_status(&world).ending.unwrap().kind, ResultKind::Succeeded);
    world.flink.job.as_mut().unwrap().vertices.remove(0);
    assert!(!matches!(next_step(&world), Step::Record(status) if status.ending.is_some()), "no task runs any more");
}

/// A rollout that starts from a path, planned while Flink listed no job.
fn world_planned_as_idle() -> World {
    let mut world = world(Stage::Savepoint);
    world.rollout.spec.request.start_from = from_json(json!({"from": "Path", "value": "file:/sp/start"}));
    change_status(&mut world, |status| status.plan.as_mut().unwrap().current.as_mut().unwrap().job = None);
    complete_operation(&mut world, Operation::CreateVersionedObjects);
    world.flink.jobs = Some(Vec::new());
    world
}

fn job_metadata() -> HaConfigMaps {
    let map = json!({"metadata": {"name": format!("orders-{OLD_JOB}-config-map")}});
    HaConfigMaps { items: vec![from_json(map)] }
}

#[test]
fn an_empty_list_of_jobs_is_no_answer_while_ha_metadata_shows_a_job() {
    let mut plan = world(Stage::Plan);
    plan.rollout.spec.request.start_from = from_json(json!({"from": "Path", "value": "file:/sp/start"}));
    plan.flink.jobs = Some(Vec::new());
    plan.flink.version = Some("2.2.1".into());
    let ids = [("high-availability.type", "kubernetes"), ("kubernetes.cluster-id", "orders")];
    let ids = ids.into_iter().chain([("high-availability.cluster-id", "orders")]);
    plan.flink.configuration = Some(ids.map(|(key, value)| (key.to_owned(), value.to_owned())).collect());
    assert_eq!(next_effect(&plan).0, Operation::Plan, "no job runs");
    plan.ha = job_metadata();
    assert!(matches!(next_step(&plan), Step::Wait(_)));
    advance_clock(&mut plan, 301);
    let (kind, message) = result_of(&plan);
    assert_eq!(kind, ResultKind::Untouched);
    assert!(message.contains("its HA metadata shows one"), "{message}");

    let mut savepoint = world_planned_as_idle();
    assert!(next_status(&savepoint).restore_point.is_some(), "no job runs");
    savepoint.ha = job_metadata();
    assert!(matches!(next_step(&savepoint), Step::Wait(_)));
}

#[test]
fn a_silent_flink_does_not_prove_that_no_job_runs() {
    let mut world = world_planned_as_idle();
    world.flink.jobs = None;
    assert!(matches!(next_step(&world), Step::Wait(_)));
    advance_clock(&mut world, 1000);
    assert_eq!(result_of(&world).0, ResultKind::Untouched);
}

#[test]
fn a_first_deployment_stops_nothing_that_appeared_after_its_plan() {
    let mut world = world(Stage::Savepoint);
    change_status(&mut world, |status| {
        let plan = status.plan.as_mut().unwrap();
        (plan.current, plan.first_deployment) = (None, true);
    });
    let (kind, message) = result_of(&world);
    assert_eq!(kind, ResultKind::Untouched);
    assert!(message.contains("Deployment jm was made since the plan was made"), "{message}");
    (world.workloads.job_manager, world.workloads.task_manager) = (Workload::default(), Workload::default());
    assert_eq!(next_effect(&world).0, Operation::CreateVersionedObjects);
}

#[test]
fn a_job_that_ended_has_no_last_checkpoint() {
    for state in ["FINISHED", "CANCELED"] {
        let mut world = world(Stage::Savepoint);
        world.rollout.spec.request.start_from = from_json(json!({"from": "LastCheckpoint"}));
        complete_operation(&mut world, Operation::CreateVersionedObjects);
        world.flink.job = Some(job_detail(state, 0));
        world.flink.checkpoints = Some(from_json(json!({"latest": {"completed": {
            "status": "COMPLETED", "external_path": "file:/cp/9", "trigger_timestamp": now().as_millisecond()}}})));
        complete_operation(&mut world, Operation::ScaleDownForCheckpoint);
        assert_eq!(next_effect(&world).0, Operation::ScaleBackUp);
        complete_operation(&mut world, Operation::ScaleBackUp);
        let (kind, message) = result_of(&world);
        assert_eq!(kind, ResultKind::Untouched);
        assert!(message.contains(state), "{message}");
    }
}
