//! Until the stop every failure leaves everything as it is.

use super::*;
use crate::{cluster::Autoscaler, rollout::ClaimHolder};

fn assessable() -> World {
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
fn what_can_be_moved_is_planned() {
    let mut world = assessable();
    world.autoscalers = vec![autoscaler("tm"), autoscaler("other")];
    assert_eq!(acted(&world).0, Operation::Plan);
}

#[test]
fn what_cannot_be_moved_is_refused_with_the_reason() {
    type Change = fn(&mut World);
    let cases: [(Change, &str); 8] = [
        (|world| world.application = None, "there is no FlinkApplication orders"),
        (|world| world.workloads.task_manager = Workload::default(), "jm is there but tm is not"),
        (|world| world.workloads.job_manager = workload("jm", 2), "has 2 replicas"),
        (|world| world.workloads.job_manager = workload("jm", 0), "no job runs"),
        (|world| world.autoscalers = vec![autoscaler("jm")], "HorizontalPodAutoscaler jm-scaler scales the JobManager"),
        (|world| world.flink.jobs = Some(vec![job(OLD_JOB, "RUNNING"), job(OTHER_JOB, "RUNNING")]), "runs 2 jobs"),
        (|world| world.flink.jobs = Some(vec![job(OLD_JOB, "RESTARTING")]), "the job is RESTARTING"),
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
        let mut world = assessable();
        change(&mut world);
        let (kind, message) = end(&world);
        assert_eq!(kind, ResultKind::Untouched);
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn a_restore_point_that_does_not_exist_is_not_an_empty_start() {
    let mut world = assessable();
    world.rollout.spec.request.start_from = from_json(json!({"from": "RestorePoint", "value": "typo"}));
    assert!(end(&world).1.contains("there is no restore point typo"));
}

#[test]
fn without_kubernetes_high_availability_nothing_is_moved() {
    let mut world = assessable();
    world.flink.configuration.as_mut().unwrap().insert("high-availability.type".into(), "NONE".into());
    assert!(end(&world).1.contains("needs kubernetes"));
}

#[test]
fn silence_is_waited_for_and_then_named() {
    let mut world = world(Stage::Plan);
    world.flink = FlinkView { unknown: Some("Flink did not answer: cannot connect".into()), ..FlinkView::default() };
    assert!(matches!(next_step(&world), Step::Wait(_)));
    later(&mut world, 301);
    assert!(end(&world).1.contains("cannot connect"));
}

#[test]
fn one_rollout_at_a_time_and_a_stale_claim_is_released() {
    let mut world = assessable();
    set(&mut world, |status| status.revision = None);
    let holder = ClaimHolder { name: "other".into(), uid: "x".into(), stale: false, waits_for_approval: false };
    world.claim = Some(holder.clone());
    assert!(end(&world).1.contains("busy: the rollout other is active"));
    world.claim = Some(ClaimHolder { stale: true, ..holder });
    assert!(matches!(acted(&world).1, Effect::ReleaseStaleClaim { uid } if uid == "x"));
}

#[test]
fn a_job_that_does_not_run_whole_leaves_a_choice_whatever_was_asked_for() {
    let mut world = assessable();
    world.flink.jobs = Some(vec![job(OLD_JOB, "RESTARTING")]);
    world.rollout.spec.request.start_from = from_json(json!({"from": "Path", "value": "file:/sp/older"}));
    let choices = recorded(&world).ending.unwrap().choices;
    assert_eq!(choices.len(), 2);
    world.rollout.spec.request.start_from = choices[1].start_from.clone();
    assert_eq!(acted(&world).0, Operation::Plan);

    world.rollout.spec.request.start_from = choices[0].start_from.clone();
    world.flink.checkpoints = Some(checkpoints(1, "file:/sp/start", 0));
    assert_eq!(acted(&world).0, Operation::Plan, "what it was restored from is its last state");
    world.flink.checkpoints = Some(Checkpoints::default());
    for from in ["LastCheckpoint", "Nothing"] {
        let asked = json!({"from": from, "withoutSavepoint": from == "Nothing"});
        world.rollout.spec.request.start_from = from_json(asked);
        let ending = recorded(&world).ending.unwrap();
        assert!(ending.message.contains("scale its Deployment jm to 0, then start from nothing"), "{}", ending.message);
        assert!(ending.choices.is_empty(), "what is offered must work");
    }
    world.rollout.spec.request.start_from = choices[1].start_from.clone();
    assert_eq!(acted(&world).0, Operation::Plan, "what it starts from stands in for a state of its own");
}

#[test]
fn another_configuration_than_planned_is_not_stopped() {
    let planned = |value: &str| -> BTreeMap<String, String> {
        [("kubernetes.cluster-id", value), ("web.tmpdir", "/tmp/x")]
            .map(|(key, value)| (key.into(), value.into()))
            .into()
    };
    let mut world = world(Stage::Savepoint);
    complete(&mut world, Operation::CreateVersionedObjects);
    let digest = crate::rollout::configuration::configuration_digest(&planned("orders"));
    set(&mut world, |status| {
        status.plan.as_mut().unwrap().current.as_mut().unwrap().job.as_mut().unwrap().configuration_digest =
            Some(digest);
    });
    assert!(matches!(next_step(&world), Step::Wait(_)), "Flink has not said it yet");
    let mut same = planned("orders");
    for (key, value) in
        [("web.tmpdir", "/tmp/of-a-new-container"), ("jobmanager.rpc.port", "40123"), ("blob.server.port", "40124")]
    {
        same.insert(key.into(), value.into());
    }
    world.flink.configuration = Some(same);
    assert_eq!(acted(&world).0, Operation::StopWithSavepoint);
    world.flink.configuration = Some(planned("payments"));
    assert!(end(&world).1.contains("Flink's configuration changed"));
}

#[test]
fn what_changed_since_the_plan_is_not_stopped() {
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
        (|world| world.flink.jobs = Some(vec![job(OTHER_JOB, "RUNNING")]), "the job was replaced"),
    ];
    for (change, reason) in cases {
        let mut world = world(Stage::Savepoint);
        change(&mut world);
        let (kind, message) = end(&world);
        assert_eq!(kind, ResultKind::Untouched);
        assert!(message.starts_with("outdated") && message.contains(reason), "{message}");
    }
}

#[test]
fn replicas_scaled_while_people_thought_are_the_ones_to_restore() {
    let mut world = world(Stage::Savepoint);
    world.workloads.task_manager = workload("tm", 5);
    let plan = recorded(&world).plan.unwrap();
    assert_eq!((plan.current.unwrap().workloads.task_manager.replicas, plan.target.task_manager_replicas), (5, 3));
    set(&mut world, |status| status.plan.as_mut().unwrap().target.keeps_replicas = true);
    assert_eq!(recorded(&world).plan.unwrap().target.task_manager_replicas, 5, "whoever owns the count has changed it");
}

#[test]
fn nothing_that_was_planned_as_idle_may_run_by_now() {
    let idle = |world: &mut World| {
        set(world, |status| status.plan.as_mut().unwrap().current.as_mut().unwrap().job = None);
    };
    let mut world = world(Stage::Savepoint);
    idle(&mut world);
    let (kind, message) = end(&world);
    assert_eq!(kind, ResultKind::Untouched);
    assert!(message.contains("was started"), "{message}");
}

#[test]
fn what_is_gone_whole_comes_back_from_where_somebody_says() {
    let mut world = world(Stage::Plan);
    (world.workloads.job_manager, world.workloads.task_manager) = (Workload::default(), Workload::default());
    let known = json!({"restorePoints": [point()], "revisions": []});
    world.application.as_mut().unwrap().status = Some(from_json(known));
    let choices = recorded(&world).ending.unwrap().choices;
    assert_eq!(choices[0].start_from.value.as_deref(), Some("r"), "the newest is offered");
    world.rollout.spec.request.start_from = choices[0].start_from.clone();
    assert_eq!(acted(&world).0, Operation::Plan);
}
