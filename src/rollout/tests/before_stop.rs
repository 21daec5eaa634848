//! Tests of the stages before the stop. Each failure there leaves the application untouched.

use super::*;
use crate::{cluster::Autoscaler, rollout::ClaimHolder};

fn world_that_can_be_planned() -> World {
    let mut world = world(Stage::Plan);
    world.flink.version = Some("2.2.1".into());
    world.flink.configuration = Some(
        [
            ("high-availability.type", "kubernetes"),
            ("kubernetes.cluster-id", "orders"),
            ("high-availability.cluster-id", "orders"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into(),
    );
    world
}

fn autoscaler(deployment: &str) -> Autoscaler {
    Autoscaler { name: format!("{deployment}-scaler"), deployment: deployment.to_owned(), min: 1, max: 9 }
}

#[test]
fn a_healthy_application_is_planned() {
    let mut world = world_that_can_be_planned();
    world.autoscalers = vec![autoscaler("tm"), autoscaler("other")];
    assert_eq!(next_effect(&world).0, Operation::Plan);
}

#[test]
fn an_application_that_cannot_be_planned_is_refused_with_the_reason() {
    type Change = fn(&mut World);
    let cases: [(Change, &str); 10] = [
        (|world| world.application = None, "there is no FlinkApplication orders"),
        (
            |world| {
                world.application = None;
                world.application_is_unreadable = true;
            },
            "cannot read the FlinkApplication orders",
        ),
        (|world| world.workloads.task_manager = Workload::default(), "jm is there but tm is not"),
        (|world| world.workloads.job_manager = workload("jm", 2), "has 2 replicas"),
        (|world| world.workloads.job_manager = workload("jm", 0), "no job runs"),
        (|world| world.autoscalers = vec![autoscaler("jm")], "HorizontalPodAutoscaler jm-scaler scales the JobManager"),
        (
            |world| world.flink.jobs = Some(vec![job_overview(OLD_JOB, "RUNNING"), job_overview(OTHER_JOB, "RUNNING")]),
            "runs 2 jobs",
        ),
        (|world| world.flink.jobs = Some(vec![job_overview(OLD_JOB, "RESTARTING")]), "the job is RESTARTING"),
        (
            |world| world.flink.checkpoint_configuration = Some(from_json(json!({"interval": 3_600_000}))),
            "2 checkpoints at the job's interval of 3600 s need a watch of up to 10800 s, and monitor.watchMaxSeconds is 3600 s",
        ),
        (
            |world| {
                drop(
                    world.flink.configuration.as_mut().unwrap().insert("kubernetes.cluster-id".into(), "other".into()),
                );
            },
            "kubernetes.cluster-id is other in Flink and orders in the FlinkApplication",
        ),
    ];
    for (change, reason) in cases {
        let mut world = world_that_can_be_planned();
        change(&mut world);
        let (kind, message) = result_of(&world);
        assert_eq!(kind, ResultKind::Untouched);
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn a_restore_point_that_does_not_exist_is_not_an_empty_start() {
    let mut world = world_that_can_be_planned();
    world.rollout.spec.request.start_from = from_json(json!({"from": "RestorePoint", "value": "typo"}));
    assert!(result_of(&world).1.contains("there is no restore point typo"));
}

#[test]
fn a_view_of_another_directory_than_that_of_the_savepoints_is_refused() {
    let with_prefix = |prefix: &str| {
        let mut world = world_that_can_be_planned();
        let savepoint = &mut world.application.as_mut().unwrap().spec.savepoint;
        savepoint.directory = "file:///data/savepoints".into();
        savepoint.local_view = Some(from_json(json!({"prefix": prefix, "path": "/mnt"})));
        world
    };
    assert_eq!(next_effect(&with_prefix("file:/data")).0, Operation::Plan, "both name the same folder");
    let (kind, message) = result_of(&with_prefix("file:///mnt/data"));
    assert_eq!(kind, ResultKind::Untouched);
    assert!(message.contains("savepoint.localView.prefix") && message.contains("file:///mnt/data"), "{message}");
}

#[test]
fn the_plan_records_how_the_job_takes_checkpoints() {
    let mut world = world_that_can_be_planned();
    world.flink.checkpoint_configuration = Some(from_json(json!({
        "interval": i64::MAX, "timeout": 30_000, "min_pause": 5, "externalization": {"enabled": false}})));
    world.ha.items = vec![from_json(json!({"metadata": {"name": format!("orders-{OLD_JOB}-config-map")}}))];
    let planned = |world: &World| {
        let application = world.application.as_ref().unwrap();
        let crate::rollout::Assessment::Existing(current) = crate::rollout::assess(world, application).unwrap() else {
            panic!("no job is planned")
        };
        current.job.unwrap()
    };
    let job = planned(&world);
    let checkpointing = job.checkpointing.unwrap();
    assert_eq!((checkpointing.interval_millis, checkpointing.timeout_millis), (None, 30_000));
    assert_eq!(checkpointing.retained_on_failure, Some(false));
    assert_eq!(job.ha_config_map, Some(format!("orders-{OLD_JOB}-config-map")));
    world.flink.checkpoint_configuration = None;
    assert_eq!(planned(&world).checkpointing, None, "a missing answer does not refuse the plan");
}

#[test]
fn an_application_without_kubernetes_ha_is_refused() {
    let mut world = world_that_can_be_planned();
    world.flink.configuration.as_mut().unwrap().insert("high-availability.type".into(), "NONE".into());
    assert!(result_of(&world).1.contains("needs kubernetes"));
}

#[test]
fn a_silent_flink_is_waited_for_and_then_reported() {
    let mut world = world(Stage::Plan);
    world.flink = FlinkView { unknown: Some("Flink did not answer: cannot connect".into()), ..FlinkView::default() };
    assert!(matches!(next_step(&world), Step::Wait(_)));
    advance_clock(&mut world, 301);
    assert!(result_of(&world).1.contains("cannot connect"));
}

#[test]
fn a_job_manager_that_does_not_answer_can_be_replaced_from_a_named_state() {
    let silent = |world: &mut World| {
        world.flink = FlinkView { unknown: Some("cannot connect".into()), ..FlinkView::default() };
        advance_clock(world, 301);
    };
    let mut world = world(Stage::Plan);
    world.application.as_mut().unwrap().status =
        Some(from_json(json!({"restorePoints": [restore_point()], "revisions": []})));
    silent(&mut world);
    let ending = next_status(&world).ending.unwrap();
    assert!(ending.message.contains("jobManagerIsDown"), "{}", ending.message);
    let choice = &ending.choices[0];
    assert!(choice.start_from.job_manager_is_down && choice.cost.contains("given up"), "{choice:?}");

    world.rollout.spec.request.start_from = choice.start_from.clone();
    world.flink_answered_at = Some(world.now);
    let base = world.clone();
    change_status(&mut world, |status| status.enter(&base, Stage::Plan));
    assert!(matches!(next_step(&world), Step::Wait(_)), "it has answered a moment ago");
    advance_clock(&mut world, 30);
    assert_eq!(next_effect(&world).0, Operation::Plan);

    let mut stop = self::world(Stage::Savepoint);
    stop.application.clone_from(&world.application);
    stop.rollout.spec.request.start_from = choice.start_from.clone();
    change_status(&mut stop, |status| status.plan.as_mut().unwrap().current.as_mut().unwrap().job = None);
    complete_operation(&mut stop, Operation::CreateVersionedObjects);
    stop.flink = FlinkView { unknown: Some("cannot connect".into()), ..FlinkView::default() };
    stop.rollout.status = Some(next_status(&stop));
    assert_eq!(stop.status().restore_point.unwrap().path.as_str(), POINT);
    assert_eq!(next_status(&stop).stage, Stage::Stop);
}

#[test]
fn a_job_manager_that_answers_is_not_replaced_as_one_that_is_down() {
    let mut world = world(Stage::Savepoint);
    world.rollout.spec.request.start_from =
        from_json(json!({"from": "Path", "value": "file:/sp/x", "withoutSavepoint": true, "jobManagerIsDown": true}));
    change_status(&mut world, |status| status.plan.as_mut().unwrap().current.as_mut().unwrap().job = None);
    assert!(result_of(&world).1.contains("was started"), "it runs a job by now");
}

#[test]
fn only_one_rollout_is_active_and_a_stale_claim_is_released() {
    let mut world = world_that_can_be_planned();
    change_status(&mut world, |status| status.revision = None);
    let holder = ClaimHolder { name: "other".into(), uid: "x".into(), stale: false, waits_for_approval: false };
    world.claim = Some(holder.clone());
    assert!(result_of(&world).1.contains("busy: the rollout other is active"));
    world.claim = Some(ClaimHolder { stale: true, ..holder });
    assert!(matches!(next_effect(&world).1, Effect::ReleaseStaleClaim { uid } if uid == "x"));
}

#[test]
fn a_job_that_is_not_fully_running_leaves_choices_for_every_request() {
    let mut world = world_that_can_be_planned();
    world.flink.jobs = Some(vec![job_overview(OLD_JOB, "RESTARTING")]);
    world.rollout.spec.request.start_from = from_json(json!({"from": "Path", "value": "file:/sp/older"}));
    let choices = next_status(&world).ending.unwrap().choices;
    assert_eq!(choices.len(), 2);
    world.rollout.spec.request.start_from = choices[1].start_from.clone();
    assert_eq!(next_effect(&world).0, Operation::Plan);

    world.rollout.spec.request.start_from = choices[0].start_from.clone();
    world.flink.checkpoints = Some(checkpoint_counts(1, "file:/sp/start", 0));
    assert_eq!(next_effect(&world).0, Operation::Plan, "the state that it was restored from is its last state");
    world.flink.checkpoints = Some(Checkpoints::default());
    for from in ["LastCheckpoint", "Nothing"] {
        let asked = json!({"from": from, "withoutSavepoint": from == "Nothing"});
        world.rollout.spec.request.start_from = from_json(asked);
        let ending = next_status(&world).ending.unwrap();
        assert!(ending.message.contains("scale its Deployment jm to 0, then start from nothing"), "{}", ending.message);
        assert!(ending.choices.is_empty(), "only choices that work are offered");
    }
    world.rollout.spec.request.start_from = choices[1].start_from.clone();
    assert_eq!(next_effect(&world).0, Operation::Plan, "the requested path replaces its own state");
}

#[test]
fn a_job_whose_configuration_changed_since_the_plan_is_not_stopped() {
    let planned = |value: &str| -> BTreeMap<String, String> {
        [("kubernetes.cluster-id", value), ("web.tmpdir", "/tmp/x")]
            .map(|(key, value)| (key.into(), value.into()))
            .into()
    };
    let mut world = world(Stage::Savepoint);
    complete_operation(&mut world, Operation::CreateVersionedObjects);
    let digest = crate::rollout::configuration::configuration_digest(&planned("orders"));
    change_status(&mut world, |status| {
        status.plan.as_mut().unwrap().current.as_mut().unwrap().job.as_mut().unwrap().configuration_digest =
            Some(digest);
    });
    assert!(matches!(next_step(&world), Step::Wait(_)), "Flink has not answered with its configuration yet");
    let mut same = planned("orders");
    for (key, value) in
        [("web.tmpdir", "/tmp/of-a-new-container"), ("jobmanager.rpc.port", "40123"), ("blob.server.port", "40124")]
    {
        same.insert(key.into(), value.into());
    }
    world.flink.configuration = Some(same);
    assert_eq!(next_effect(&world).0, Operation::StopWithSavepoint);
    world.flink.configuration = Some(planned("payments"));
    assert!(result_of(&world).1.contains("Flink's configuration changed"));
}

#[test]
fn an_application_that_changed_since_the_plan_is_not_stopped() {
    type Change = fn(&mut World);
    let cases: [(Change, &str); 3] = [
        (
            |world| world.workloads.job_manager.deployment.as_mut().unwrap().metadata.uid = Some("new".into()),
            "was made anew",
        ),
        (
            |world| world.workloads.task_manager.replica_sets[0].metadata.uid = Some("new".into()),
            "the pods of Deployment tm were changed",
        ),
        (|world| world.flink.jobs = Some(vec![job_overview(OTHER_JOB, "RUNNING")]), "the job was replaced"),
    ];
    for (change, reason) in cases {
        let mut world = world(Stage::Savepoint);
        change(&mut world);
        let (kind, message) = result_of(&world);
        assert_eq!(kind, ResultKind::Untouched);
        assert!(message.starts_with("outdated") && message.contains(reason), "{message}");
    }
}

#[test]
fn replicas_that_were_scaled_during_approval_are_the_ones_to_restore() {
    let mut world = world(Stage::Savepoint);
    world.workloads.task_manager = workload("tm", 5);
    let plan = next_status(&world).plan.unwrap();
    assert_eq!((plan.current.unwrap().workloads.task_manager.replicas, plan.target.task_manager_replicas), (5, 3));
    change_status(&mut world, |status| status.plan.as_mut().unwrap().target.keeps_replicas = true);
    assert_eq!(
        next_status(&world).plan.unwrap().target.task_manager_replicas,
        5,
        "the owner of the count has changed it"
    );
}

#[test]
fn an_application_planned_as_idle_is_refused_if_a_job_runs() {
    let idle = |world: &mut World| {
        change_status(world, |status| status.plan.as_mut().unwrap().current.as_mut().unwrap().job = None);
    };
    let mut world = world(Stage::Savepoint);
    idle(&mut world);
    let (kind, message) = result_of(&world);
    assert_eq!(kind, ResultKind::Untouched);
    assert!(message.contains("was started"), "{message}");
}

#[test]
fn a_deleted_application_starts_from_the_restore_point_that_is_chosen() {
    let mut world = world(Stage::Plan);
    (world.workloads.job_manager, world.workloads.task_manager) = (Workload::default(), Workload::default());
    let known = json!({"restorePoints": [restore_point()], "revisions": []});
    world.application.as_mut().unwrap().status = Some(from_json(known));
    let choices = next_status(&world).ending.unwrap().choices;
    assert_eq!(choices[0].start_from.value.as_deref(), Some("r"), "the newest is offered");
    world.rollout.spec.request.start_from = choices[0].start_from.clone();
    assert_eq!(next_effect(&world).0, Operation::Plan);
}

#[test]
fn a_plan_or_claim_that_is_not_made_in_time_ends_with_a_reason() {
    let mut world = world_that_can_be_planned();
    advance_clock(&mut world, 100_000);
    let (kind, why) = result_of(&world);
    assert_eq!(kind, ResultKind::Untouched);
    assert!(why.starts_with("the plan could not be made in time: Kubernetes, Flink or Helm did not answer"), "{why}");
    change_status(&mut world, |status| status.revision = None);
    let why = result_of(&world).1;
    assert!(why.starts_with("the application could not be claimed in time: Kubernetes"), "{why}");
}

#[test]
fn what_is_wrong_before_the_rollout_is_recorded() {
    let mut world = world_that_can_be_planned();
    world.flink.job = Some(from_json(json!({"state": "RUNNING", "now": 90_000, "vertices": [
        {"id": "a", "name": "prices", "parallelism": 2, "tasks": {"FINISHED": 2}}, {"id": "b", "name": "count", "parallelism": 2, "tasks": {"RUNNING": 2}}]})));
    world.flink.checkpoints = Some(from_json(json!({"latest": {
        "completed": {"status": "COMPLETED", "external_path": "file:/cp/1", "trigger_timestamp": 1000},
        "failed": {"trigger_timestamp": 2000, "failure_message": "disk full\n\tat X"}}})));
    for status in world.workloads.task_manager.pods[0].status.as_mut().unwrap().container_statuses.iter_mut().flatten()
    {
        status.ready = false;
    }
    let application = world.application.clone().unwrap();
    let Ok(crate::rollout::Assessment::Existing(current)) = crate::rollout::assess(&world, &application) else {
        panic!("it is refused")
    };
    let texts: Vec<String> = current.job.unwrap().conditions.into_iter().map(|condition| condition.text).collect();
    let wanted = [
        "vertices that have FINISHED: prices",
        "the last checkpoint failed: disk full",
        "1 of 2 TaskManagers are Ready",
    ];
    assert_eq!(texts, wanted);
}
