//! Tests of a start: the proof of the restore, the signs of the pods and of Flink, and the deadline that counts from the last progress.

use super::{
    after_stop::{ha_map, scale_to_zero},
    monitor::with_watch,
    *,
};
use crate::{api::Component, rollout::ids::job_id};

/// Flink shows the job that the rollout started.
pub(super) fn with_started_job(mut world: World, restored: u64, path: &str, running: u32) -> World {
    let status = world.status();
    let id = job_id("u", status.direction, status.attempt);
    change_status(&mut world, |status| status.job = Some(from_json(json!({"jobId": id, "startPath": POINT}))));
    world.flink.jobs = Some(vec![job_overview(&id, "RUNNING")]);
    world.flink.job = Some(job_detail("RUNNING", running));
    world.flink.checkpoints = Some(checkpoint_counts(restored, path, 0));
    world
}

#[test]
fn a_start_counts_only_with_a_proven_restore() {
    let good = with_started_job(world(Stage::Verify), 1, POINT, 2);
    let status = next_status(&good);
    assert!(status.job.as_ref().unwrap().restored_at.is_some());
    let mut running = good.clone();
    running.rollout.status = Some(status);
    let status = next_status(&running);
    assert_eq!((status.stage, status.downtime_millis), (Stage::Monitor, Some(10_000)));

    let wrong = next_status(&with_started_job(world(Stage::Verify), 1, "file:/sp/other", 2));
    assert_eq!((wrong.direction, wrong.stage), (Direction::Back, Stage::Stop));
    assert!(wrong.failure.unwrap().message.contains("file:/sp/other"));
}

#[test]
fn a_job_that_restored_nothing_fails_the_start_once_the_answer_is_sure() {
    let mut world = with_started_job(world(Stage::Verify), 0, POINT, 2);
    world.flink.checkpoints = Some(from_json(json!({"counts": {"restored": 0}})));
    let running_for = |world: &mut World, millis: i64| {
        let detail = world.flink.job.as_mut().unwrap();
        (detail.now, detail.timestamps) = (50_000 + millis, BTreeMap::from([("RUNNING".to_owned(), 50_000)]));
    };
    running_for(&mut world, 9_999);
    look(&mut world);
    assert!(matches!(next_step(&world), Step::Wait(_)), "Flink may answer from its cache");
    running_for(&mut world, 10_000);
    assert!(next_status(&world).failure.unwrap().message.contains("runs empty"));
}

#[test]
fn a_restart_before_the_first_observation_is_not_a_wrong_restore() {
    let mut world = with_started_job(world(Stage::Verify), 2, "file:/cp/x/chk-3", 2);
    look(&mut world);
    assert!(matches!(next_step(&world), Step::Wait(_)), "the log decides");
    world.logged_start = Some(POINT.into());
    assert!(next_status(&world).job.unwrap().restored_at.is_some());
}

#[test]
fn a_job_without_enough_slots_does_not_count_as_running() {
    let mut world = with_started_job(world(Stage::Verify), 1, POINT, 1);
    world.flink.slots = Some((1, 0));
    change_status(&mut world, |status| {
        status.job.as_mut().unwrap().restored_at = Some(crate::api::time(now()));
    });
    look(&mut world);
    assert!(matches!(next_step(&world), Step::Wait(_)));
    advance_clock(&mut world, 61);
    let message = next_status(&world).failure.unwrap().message;
    assert!(message.contains("needs 2 slots, the TaskManagers offer 1"), "{message}");
}

/// A restored job of the adaptive scheduler at parallelism 2, before the rollout 4. One of three TaskManagers is not Ready.
fn narrowed_job() -> World {
    let mut world = with_started_job(world(Stage::Verify), 1, POINT, 2);
    change_status(&mut world, |status| {
        let job = status.job.as_mut().unwrap();
        (job.restored_at, job.adaptive) = (status.deadline.clone(), true);
        let current = status.plan.as_mut().unwrap().current.as_mut().unwrap();
        current.job.as_mut().unwrap().parallelism = Some(4);
    });
    world.workloads.task_manager = workload("tm", 3);
    world.workloads.task_manager.pods[0].status = Some(from_json(json!({"phase": "Pending"})));
    world
}

#[test]
fn a_lower_parallelism_is_waited_out_while_task_managers_are_missing() {
    let mut narrowed = narrowed_job();
    advance_clock(&mut narrowed, 15);
    look(&mut narrowed);
    let status = narrowed.status();
    assert_eq!(status.stage, Stage::Verify);
    insta::assert_snapshot!(status.message, @"runs at parallelism 2, before it was 4; 2 of 3 TaskManagers are Ready");
    advance_clock(&mut narrowed, 3600);
    let status = next_status(&narrowed);
    assert_eq!((status.stage, status.failure.is_none()), (Stage::Monitor, true), "it runs whole all the same");
    let evidence = status.stages.iter().rev().find(|stage| !stage.evidence.is_empty()).unwrap().evidence.clone();
    assert!(evidence.contains("at parallelism 2 (before the rollout 4)"), "{evidence}");
}

#[test]
fn a_lower_parallelism_of_the_plan_itself_is_not_waited_for() {
    let mut planned = narrowed_job();
    change_status(&mut planned, |status| status.job.as_mut().unwrap().adaptive = false);
    assert_eq!(
        next_status(&planned).stage,
        Stage::Monitor,
        "the default scheduler starts as the job asks, or not at all"
    );
    let mut whole = narrowed_job();
    whole.workloads.task_manager.pods.remove(0);
    whole.workloads.task_manager.deployment.as_mut().unwrap().spec.as_mut().unwrap().replicas = Some(2);
    assert_eq!(next_status(&whole).stage, Stage::Monitor, "no TaskManager is missing");
}

#[test]
fn a_job_that_never_appears_fails_if_its_job_manager_is_not_ready() {
    let mut world = with_started_job(world(Stage::Verify), 1, POINT, 0);
    world.flink = crate::rollout::FlinkView { unknown: Some("no answer within 5 s".into()), ..Default::default() };
    look(&mut world);
    advance_clock(&mut world, 61);
    let halt = next_status(&world).halt.unwrap();
    assert_eq!(
        (halt.kind, halt.parked),
        (HaltKind::OutOfSight, false),
        "silence proves nothing while the pod is Ready"
    );
    assert!(halt.message.contains("no answer within 5 s") && halt.message.contains("left running"), "{}", halt.message);
    for status in world.workloads.job_manager.pods[0].status.as_mut().unwrap().container_statuses.iter_mut().flatten() {
        status.ready = false;
    }
    let message = next_status(&world).failure.unwrap().message;
    assert!(message.contains("no pod of the JobManager is Ready"), "{message}");
}

#[test]
fn an_exit_with_a_lasting_cause_fails_the_start_at_once() {
    let mut world = with_started_job(world(Stage::Verify), 1, POINT, 0);
    world.logged_cause = Some("Cannot map checkpoint/savepoint state".into());
    let ended = json!([{"name": "main", "image": "i", "imageID": "i", "ready": false, "restartCount": 1, "state": {},
        "lastState": {"terminated": {"exitCode": 2, "reason": "Error"}}}]);
    world.workloads.job_manager.pods[0].status.as_mut().unwrap().container_statuses = Some(from_json(ended));
    look(&mut world);
    let message = next_status(&world).failure.unwrap().message;
    assert!(message.contains("exit code 2") && message.contains("Cannot map checkpoint/savepoint state"), "{message}");
}

/// The `JobManager`'s container ended so many times, the last time at this second.
fn end_job_manager(world: &mut World, times: u32, second: i64) {
    let at = crate::api::time(now().checked_add(SignedDuration::from_secs(second)).unwrap());
    let ended = json!([{"name": "main", "image": "i", "imageID": "i", "ready": false, "restartCount": times, "state": {},
        "lastState": {"terminated": {"exitCode": 2, "reason": "Error", "finishedAt": at}}}]);
    world.workloads.job_manager.pods[0].status.as_mut().unwrap().container_statuses = Some(from_json(ended));
    world.flink = crate::rollout::FlinkView { unknown: Some("no answer".into()), ..Default::default() };
}

#[test]
fn one_exit_without_a_named_cause_is_waited_out_and_a_second_fails() {
    for stage in [Stage::Verify, Stage::Monitor] {
        let mut world = with_watch(world(stage), 1, 0);
        end_job_manager(&mut world, 1, 0);
        assert!(matches!(next_step(&world), Step::Wait(_)), "the log may be readable at the next observation");
        advance_clock(&mut world, 10);
        look(&mut world);
        assert!(next_status_or_same(&world).failure.is_none(), "it may recover");
        assert!(world.status().message.contains("exit code 2"), "{}", world.status().message);
        end_job_manager(&mut world, 2, 15);
        advance_clock(&mut world, 20);
        look(&mut world);
        assert!(next_status(&world).failure.unwrap().message.contains("exit code 2"));
    }
}

#[test]
fn a_job_manager_that_recovers_after_one_exit_lets_the_start_go_on() {
    let mut world = with_started_job(world_going_back(Stage::Verify), 1, POINT, 2);
    let flink = world.flink.clone();
    end_job_manager(&mut world, 1, 0);
    advance_clock(&mut world, 10);
    look(&mut world);
    world.flink = flink;
    look(&mut world);
    assert_eq!(next_status(&world).stage, Stage::Monitor);
}

#[test]
fn the_way_back_is_parked_only_if_the_job_manager_keeps_ending_with_the_same_cause() {
    let cases = [(Some("E: no broker at port 9093"), true), (Some("E: no disk"), false), (None, true)];
    for (second_cause, parked) in cases {
        let mut world = with_started_job(world_going_back(Stage::Verify), 1, POINT, 0);
        end_job_manager(&mut world, 1, 0);
        world.logged_cause = Some("E: no broker at port 9092".to_owned());
        look(&mut world);
        end_job_manager(&mut world, 2, 60);
        world.logged_cause = second_cause.map(str::to_owned);
        advance_clock(&mut world, 71);
        look(&mut world);
        assert!(matches!(next_step(&world), Step::Wait(_)), "until the deadline it may recover");
        advance_clock(&mut world, 400);
        let halt = next_status(&world).halt.unwrap();
        assert_eq!((halt.parked, halt.kind == HaltKind::Parked), (parked, parked), "{}", halt.message);
    }
}

#[test]
fn a_previous_version_that_is_slow_is_left_running_and_halts() {
    let mut world = with_started_job(world_going_back(Stage::Verify), 1, POINT, 0);
    let mut status = world.status();
    assert_eq!(status.plan.as_ref().unwrap().settings.start_deadline_seconds, 60);
    status.enter(&world, Stage::Verify);
    status.job.as_mut().unwrap().restored_at = Some(world.time());
    world.rollout.status = Some(status);
    look(&mut world);
    advance_clock(&mut world, 200);
    look(&mut world);
    assert!(matches!(next_step(&world), Step::Wait(_)), "the short deadline is only for the new version");
    advance_clock(&mut world, 101);
    let halt = next_status(&world).halt.unwrap();
    assert_eq!((halt.kind, halt.parked), (HaltKind::StartTooSlow, false));
    assert!(
        halt.message.contains("no progress within 300 s") && halt.message.contains("continues by itself"),
        "{}",
        halt.message
    );

    world.rollout.status = Some(next_status(&world));
    assert!(matches!(next_step(&world), Step::Wait(_)));
    world.flink.job = Some(job_detail("RUNNING", 2));
    let again = next_status(&world);
    assert_eq!((again.halt.is_none(), again.stage, again.continuations, again.attempt), (true, Stage::Verify, 1, 1));
    world.rollout.status = Some(again);
    look(&mut world);
    assert_eq!(next_status(&world).stage, Stage::Monitor);
}

#[test]
fn a_proven_restore_is_never_parked() {
    let mut world = with_started_job(world_going_back(Stage::Verify), 1, POINT, 1);
    let flink = world.flink.clone();
    for second in [0, 20] {
        end_job_manager(&mut world, 1, second);
        world.logged_cause = Some("E: no storage".to_owned());
        look(&mut world);
    }
    assert_eq!(world.status().job.unwrap().ends.unwrap().same_cause, 2);
    world.flink = flink;
    advance_clock(&mut world, 30);
    look(&mut world);
    assert!(world.status().job.unwrap().restored_at.is_some());
    advance_clock(&mut world, 301);
    assert_eq!(next_status(&world).halt.unwrap().kind, HaltKind::StartTooSlow);
}

#[test]
fn a_killed_container_has_no_lasting_cause() {
    let mut world = with_started_job(world(Stage::Verify), 1, POINT, 0);
    world.logged_cause = Some("java.lang.ClassNotFoundException: optional.Metrics".into());
    let killed = json!([{"name": "main", "image": "i", "imageID": "i", "ready": false, "restartCount": 1, "state": {},
        "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]);
    world.workloads.job_manager.pods[0].status.as_mut().unwrap().container_statuses = Some(from_json(killed));
    look(&mut world);
    assert!(next_status_or_same(&world).failure.is_none(), "it may recover");
}

#[test]
fn an_old_sign_does_not_turn_silence_into_a_failure() {
    let mut world = with_started_job(world(Stage::Verify), 1, POINT, 0);
    super::normal_events::add_pending_pod(&mut world);
    world.flink = crate::rollout::FlinkView { unknown: Some("no answer".into()), ..Default::default() };
    look(&mut world);
    advance_clock(&mut world, 61);
    assert_eq!(next_status(&world).halt.unwrap().kind, HaltKind::OutOfSight);
}

/// The job's tasks are in this state.
fn job_with_tasks(state: &str) -> crate::flink::JobDetail {
    from_json(
        json!({"state": "RUNNING", "vertices": [{"id": "v", "name": "count", "parallelism": 2, "tasks": {state: 2}}]}),
    )
}

#[test]
fn the_start_deadline_counts_from_the_last_progress() {
    let mut world = with_started_job(world(Stage::Verify), 1, POINT, 0);
    look(&mut world);
    for (state, seconds) in [("SCHEDULED", 50), ("DEPLOYING", 50), ("INITIALIZING", 50)] {
        advance_clock(&mut world, seconds);
        world.flink.job = Some(job_with_tasks(state));
        look(&mut world);
        assert_eq!(world.status().direction, Direction::Forward);
        assert!(matches!(next_step(&world), Step::Wait(_)), "{state} is progress");
    }
    for _ in 0..20 {
        advance_clock(&mut world, 45);
        look(&mut world);
        assert!(matches!(next_step(&world), Step::Wait(_)), "downloading state takes its time");
    }
    // A loop makes no progress.
    for state in ["DEPLOYING", "INITIALIZING", "DEPLOYING"] {
        world.flink.job = Some(job_with_tasks(state));
        world.flink.exceptions =
            Some(from_json(json!({"exceptionHistory": {"entries": [{"stacktrace": "E: boom", "timestamp": 9}]}})));
        look(&mut world);
        advance_clock(&mut world, 25);
    }
    assert!(next_status(&world).failure.unwrap().message.starts_with("no progress within 60 s"));
}

#[test]
fn a_job_with_many_vertices_does_not_overflow_the_record() {
    for stage in [Stage::Verify, Stage::Monitor] {
        let mut world = with_watch(world(stage), 1, 0);
        let vertex = |number: u32| json!({"id": number.to_string(), "name": "a vertex with a long name".repeat(4), "parallelism": 1, "tasks": {}});
        world.flink.job =
            Some(from_json(json!({"state": "RUNNING", "vertices": (0..200).map(vertex).collect::<Vec<_>>()})));
        advance_clock(&mut world, 11);
        look(&mut world);
        let message = world.status().message;
        assert!(message.starts_with("not RUNNING") && message.chars().count() <= 2048, "{}", message.len());
    }
}

#[test]
fn a_start_ends_at_its_total_time_even_with_progress() {
    let mut world = with_started_job(world(Stage::Verify), 1, POINT, 0);
    change_status(&mut world, |status| status.plan.as_mut().unwrap().settings.start_total_seconds = 100);
    world.flink.job = Some(job_with_tasks("INITIALIZING"));
    for _ in 0..3 {
        look(&mut world);
        assert!(matches!(next_step(&world), Step::Wait(_)));
        advance_clock(&mut world, 33);
    }
    advance_clock(&mut world, 3);
    let message = next_status(&world).failure.unwrap().message;
    assert!(message.starts_with("the start took longer than 100 s: tasks are INITIALIZING"), "{message}");
}

#[test]
fn a_failed_job_is_reported_with_its_reason() {
    for stage in [Stage::Verify, Stage::Monitor] {
        let mut world = with_watch(world(stage), 1, 0);
        let mut failed = job_detail("FAILED", 0);
        failed.timestamps.insert("FAILED".into(), 1000);
        failed.now = 1400;
        world.flink.job = Some(failed);
        let waits = match next_step(&world) {
            Step::Record(status) => status.failure.is_none(),
            other => matches!(other, Step::Wait(_)),
        };
        assert!(waits, "the JobManager will exit soon, and its log then holds the reason");

        let mut answered = world.clone();
        answered.flink.exceptions = Some(from_json(json!({"exceptionHistory": {"entries": [
            {"stacktrace": "E: outer\nCaused by: E: Cannot map checkpoint/savepoint state"}]}})));
        let message = next_status(&answered).failure.unwrap().message;
        assert_eq!(message, "the job is FAILED: E: Cannot map checkpoint/savepoint state");

        world.flink.job.as_mut().unwrap().now = 11_000;
        assert_eq!(
            next_status(&world).failure.unwrap().message,
            "the job is FAILED",
            "the wait for the reason has ended"
        );
    }
}

#[test]
fn a_foreign_change_halts_and_names_who_made_it() {
    for (direction, stage) in [(Direction::Forward, Stage::Verify), (Direction::Back, Stage::Monitor)] {
        let start = if direction == Direction::Forward { world(stage) } else { world_going_back(stage) };
        let mut world = with_watch(start, 1, 2);
        let digests = world.workloads.as_ref().map(|workload| workload.deployment_template_digest().unwrap());
        change_status(&mut world, |status| status.job.as_mut().unwrap().templates = Some(digests));
        let deployment = world.workloads.task_manager.deployment.as_mut().unwrap();
        deployment.metadata.managed_fields = Some(from_json(json!([
            {"manager": "kubectl-set", "time": "2026-01-01T12:00:01Z"}, {"manager": "kube-controller-manager", "subresource": "status", "time": "2026-01-01T12:00:02Z"}])));
        let template = &mut deployment.spec.as_mut().unwrap().template;
        template.metadata.as_mut().unwrap().labels.as_mut().unwrap().insert("x".into(), "y".into());
        let halt = next_status(&world).halt.unwrap();
        assert_eq!(halt.kind, HaltKind::ForeignChange);
        assert!(
            halt.message.starts_with("the pod template of Deployment tm was changed by kubectl-set"),
            "{}",
            halt.message
        );
    }
}

#[test]
fn an_init_container_that_completed_is_not_a_failure() {
    let mut world = with_started_job(world(Stage::Verify), 1, POINT, 2);
    let ended = json!([{"name": "init", "image": "i", "imageID": "i", "ready": true, "restartCount": 0,
        "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]);
    world.workloads.job_manager.pods[0].status.as_mut().unwrap().init_container_statuses = Some(from_json(ended));
    assert_eq!(next_status(&world).direction, Direction::Forward);
}

#[test]
fn a_way_back_that_cannot_start_is_parked_ready_to_start() {
    let mut world = with_started_job(world_going_back(Stage::Verify), 1, "file:/sp/other", 2);
    let status = next_status(&world);
    assert!(status.halt.as_ref().unwrap().parked);
    assert_eq!(status.halt.as_ref().unwrap().commands.len(), 2);
    world.rollout.status = Some(status);
    assert!(matches!(next_effect(&world).1, Effect::Stop(Component::JobManager)));
    let mut world = scale_to_zero(world);
    world.ha.items = vec![ha_map("orders-cluster-config-map")];
    assert!(matches!(next_effect(&world).1, Effect::ClearHa { .. }));
    world.ha.items.clear();
    let Effect::WriteWorkloads { start } = next_effect(&world).1 else { panic!("no template") };
    assert_eq!(start.path.as_deref(), Some(POINT));
    assert_ne!(start.job_id, job_id("u", Direction::Back, 1), "a new job id");
}
