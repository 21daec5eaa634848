//! Random worlds and random sequences of looks: the invariants of a rollout hold after every step. Seeds that failed are kept in
//! `proptest-regressions/`.

use proptest::prelude::*;

use super::*;
use crate::{
    api::{Component, DecisionKind},
    rollout::{EffectResult, record_result},
};

/// What happens between two looks.
#[derive(Debug, Clone)]
enum Event {
    /// Seconds pass.
    Time(i64),
    /// Flink stops answering.
    Silent,
    /// Flink shows the rollout's own job in this state, restored from the restore point or from elsewhere.
    Job { state: &'static str, tasks: &'static str, restored: u64, elsewhere: bool, completed: u64 },
    /// Flink lists no job.
    NoJob,
    /// Flink shows the old job in this state, with or without the rollout's savepoint.
    OldJob { state: &'static str, saved: bool },
    /// The JobManager's container ended with this cause.
    JobManagerEnded { cause: &'static str },
    /// The JobManager's pod is not Ready.
    NotReady,
    /// A TaskManager waits for a node.
    NoNode,
    /// Somebody scales the JobManager up.
    ScaledUp,
    /// HA metadata appears.
    Metadata,
    /// A person says something.
    Says(DecisionKind),
    /// The next effects fail.
    EffectsFail(bool),
}

fn event() -> impl Strategy<Value = Event> {
    let state = prop_oneof![
        4 => Just("RUNNING"), 1 => Just("RESTARTING"), 1 => Just("FAILED"), 1 => Just("FINISHED"), 1 => Just("CANCELED")
    ];
    let old = prop_oneof![Just("RUNNING"), Just("FINISHED"), Just("FAILED"), Just("RESTARTING")];
    let tasks =
        prop_oneof![3 => Just("RUNNING"), 1 => Just("INITIALIZING"), 1 => Just("SCHEDULED"), 1 => Just("FINISHED")];
    let cause = prop_oneof![Just("E: no disk"), Just("Cannot map checkpoint/savepoint state"), Just("")];
    let kind = prop_oneof![
        Just(DecisionKind::Abort),
        Just(DecisionKind::RollBack),
        Just(DecisionKind::Resume),
        Just(DecisionKind::GiveUp)
    ];
    prop_oneof![
        6 => prop_oneof![Just(1), Just(5), Just(31), Just(70), Just(400), Just(4000)].prop_map(Event::Time),
        1 => Just(Event::Silent),
        5 => (state, tasks, 0..4_u64, prop::bool::weighted(0.1), 0..9_u64).prop_map(
            |(state, tasks, restored, elsewhere, completed)| Event::Job { state, tasks, restored, elsewhere, completed }),
        1 => Just(Event::NoJob),
        3 => (old, any::<bool>()).prop_map(|(state, saved)| Event::OldJob { state, saved }),
        2 => cause.prop_map(|cause| Event::JobManagerEnded { cause }),
        1 => Just(Event::NotReady),
        1 => Just(Event::NoNode),
        1 => Just(Event::ScaledUp),
        1 => Just(Event::Metadata),
        1 => kind.prop_map(Event::Says),
        1 => any::<bool>().prop_map(Event::EffectsFail),
    ]
}

/// A rollout in a world, driven by events.
struct Driver {
    world: World,
    effects_fail: bool,
    said: usize,
}

impl Driver {
    fn happen(&mut self, event: &Event) {
        let world = &mut self.world;
        match event {
            Event::Time(seconds) => advance_clock(world, *seconds),
            Event::Silent => world.flink = FlinkView { unknown: Some("no answer".to_owned()), ..FlinkView::default() },
            Event::NoJob => world.flink = FlinkView { jobs: Some(Vec::new()), ..FlinkView::default() },
            Event::Job { state, tasks, restored, elsewhere, completed } => {
                let Some(job) = world.status().job else { return };
                let path = if *elsewhere { "file:/sp/other" } else { POINT };
                world.flink = FlinkView {
                    jobs: Some(vec![job_overview(&job.job_id, state)]),
                    job: Some(from_json(json!({"state": state,
                        "vertices": [{"id": "v", "name": "count", "parallelism": 2, "tasks": {*tasks: 2}}]}))),
                    checkpoints: Some(checkpoint_counts(*restored, path, *completed)),
                    exceptions: Some(from_json(json!({"exceptionHistory": {"entries": []}}))),
                    ..FlinkView::default()
                };
            }
            Event::OldJob { state, saved } => {
                let saved = saved.then(|| {
                    json!({"latest": {"savepoint": {"status": "COMPLETED", "checkpoint_type": "SYNC_SAVEPOINT",
                    "trigger_timestamp": world.now.as_millisecond(), "external_path": "file:/sp/r-u/savepoint-9"}}})
                });
                world.flink = FlinkView {
                    jobs: Some(vec![job_overview(OLD_JOB, state)]),
                    job: Some(job_detail(state, 2)),
                    checkpoints: Some(from_json(saved.unwrap_or_else(|| json!({})))),
                    configuration: Some(BTreeMap::new()),
                    ..FlinkView::default()
                };
            }
            Event::JobManagerEnded { cause } => {
                world.logged_cause = Some((*cause).to_owned()).filter(|cause| !cause.is_empty());
                let at = world.time();
                let status = json!([{"name": "main", "image": "i", "imageID": "i", "ready": false, "restartCount": 1, "state": {},
                    "lastState": {"terminated": {"exitCode": 2, "finishedAt": at}}}]);
                for pod in &mut world.workloads.job_manager.pods {
                    pod.status.as_mut().unwrap().container_statuses = Some(from_json(status.clone()));
                }
            }
            Event::NotReady => {
                let pods = world.workloads.job_manager.pods.iter_mut();
                for status in pods.flat_map(|pod| pod.status.as_mut().unwrap().container_statuses.iter_mut().flatten())
                {
                    status.ready = false;
                }
            }
            Event::NoNode => super::normal_events::add_pending_pod(world),
            Event::ScaledUp => world.workloads.job_manager = workload("jm", 1),
            Event::Metadata => world.ha.items = vec![super::after_stop::ha_map("orders-cluster-config-map")],
            Event::Says(kind) => {
                self.said += 1;
                let said =
                    json!({"id": format!("d{}", self.said), "kind": kind, "by": "slack:T/U1", "at": world.time()});
                world.rollout.spec.decisions.push(from_json(said));
            }
            Event::EffectsFail(fail) => self.effects_fail = *fail,
        }
    }

    /// Takes one step, as the controller does. Returns whether anything changed.
    fn step(&mut self) -> bool {
        match next_step(&self.world) {
            Step::Record(status) => {
                check_step(&self.world, &status);
                self.world.rollout.status = Some(*status);
                true
            }
            Step::Act(operation, effect) => {
                check_effect(&self.world, operation, &effect);
                let (uid, now) = (self.world.uid(), self.world.now);
                if operation.is_recorded() {
                    change_status(&mut self.world, |status| {
                        crate::rollout::StatusExt::intend(status, &uid, operation, now);
                    });
                }
                let result = if self.effects_fail {
                    EffectResult::NotNow("no answer".to_owned())
                } else {
                    self.apply(&effect);
                    EffectResult::Done
                };
                let status = record_result(&self.world, self.world.status(), operation, &result);
                self.world.rollout.status = Some(status);
                !self.effects_fail && !matches!(operation, Operation::Finish)
            }
            Step::Wait(_) | Step::Done => false,
            Step::End(_) => panic!("an end is recorded in steps"),
        }
    }

    fn apply(&mut self, effect: &Effect) {
        let world = &mut self.world;
        match effect {
            Effect::Stop(Component::JobManager) => world.workloads.job_manager = workload("jm", 0),
            Effect::Stop(Component::TaskManager) => world.workloads.task_manager = workload("tm", 0),
            Effect::Start { task_managers } => {
                world.workloads =
                    PerComponent { job_manager: workload("jm", 1), task_manager: workload("tm", *task_managers) };
            }
            Effect::ClearHa { .. } => world.ha.items.clear(),
            _ => {}
        }
    }
}

/// What must hold for every effect.
fn check_effect(world: &World, operation: Operation, effect: &Effect) {
    let status = world.status();
    assert!(
        status.result.is_none() || operation == Operation::Finish,
        "an ended rollout changes nothing: {operation:?}"
    );
    let pods_gone = world.pods_gone().is_some();
    match effect {
        Effect::ClearHa { .. } => assert!(pods_gone, "HA metadata is deleted only when no pod is left"),
        Effect::WriteWorkloads { .. } => {
            assert!(pods_gone && world.ha.items.is_empty(), "nothing is written over what runs or over metadata");
        }
        Effect::Start { .. } => assert!(status.completed_once("write-workloads"), "what is started was written"),
        Effect::StopWithSavepoint { .. } => assert_eq!(status.stage, Stage::Savepoint),
        Effect::Stop(Component::JobManager) => {
            let may = !status.stage.is_before_stop() || status.stage == Stage::Savepoint;
            assert!(may, "the JobManager is stopped in {}", status.stage);
        }
        _ => {}
    }
}

trait CompletedOnce {
    fn completed_once(&self, name: &str) -> bool;
}

impl CompletedOnce for FlinkRolloutStatus {
    fn completed_once(&self, name: &str) -> bool {
        self.operations.iter().any(|operation| operation.name.ends_with(name) && operation.completed_at.is_some())
    }
}

/// What must hold for every write of the status.
fn check_step(world: &World, next: &FlinkRolloutStatus) {
    let before = world.status();
    assert!(before.result.is_none(), "an ended rollout is frozen");
    if let Some(point) = &before.restore_point {
        assert_eq!(Some(point), next.restore_point.as_ref(), "the restore point never changes");
    }
    if before.direction == Direction::Back {
        assert_eq!(next.direction, Direction::Back, "the way back never turns again");
    }
    if before.ending.is_some() {
        assert_eq!(before.ending, next.ending, "an end is decided once");
    }
    assert!(next.message.chars().count() <= 2048 && next.stages.len() <= 64 && next.operations.len() <= 200);
    if let Some(halt) = next.halt.as_ref().filter(|halt| halt.parked && before.halt.is_none()) {
        let ends = before.job.as_ref().and_then(|job| job.ends.as_ref());
        let keeps_ending = ends.is_some_and(|ends| ends.same_cause > 1);
        let disproved = ["restored from", "runs empty", "was started from", "Flink runs the job"];
        let is_disproved = disproved.iter().any(|words| halt.message.contains(words));
        assert!(
            before.direction == Direction::Back && (keeps_ending || is_disproved),
            "parked without need: {}",
            halt.message
        );
    }
    match next.ending.as_ref().filter(|_| before.ending.is_none()).map(|ending| ending.kind) {
        Some(ResultKind::Succeeded) => {
            let job = next.job.as_ref().unwrap();
            assert!(next.direction == Direction::Forward && job.restored_at.is_some() && job.running_at.is_some());
        }
        Some(ResultKind::RolledBack) => assert_eq!(next.direction, Direction::Back),
        Some(ResultKind::Untouched) => assert!(next.stage.is_before_stop(), "it is not untouched in {}", next.stage),
        Some(ResultKind::Failed | ResultKind::Abandoned) | None => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn invariants_hold_in_random_worlds(
        stage in prop_oneof![Just(Stage::Savepoint), Just(Stage::Stop), Just(Stage::ClearHa), Just(Stage::Deploy), Just(Stage::Verify), Just(Stage::Monitor)],
        events in prop::collection::vec(event(), 1..60),
    ) {
        let mut driver = Driver { world: world(stage), effects_fail: false, said: 0 };
        for event in &events {
            driver.happen(event);
            let mut steps = 0;
            while driver.step() {
                steps += 1;
                prop_assert!(steps < 200, "it loops in {}", driver.world.status().phase);
            }
        }
        // With nobody to change anything, a rollout ends, or halts and says why.
        driver.effects_fail = false;
        for _ in 0..40 {
            advance_clock(&mut driver.world, 4000);
            for _ in 0..200 {
                if !driver.step() {
                    break;
                }
            }
        }
        let status = driver.world.status();
        let is_over = status.result.is_some() || status.halt.is_some();
        prop_assert!(is_over, "it neither ends nor halts: {} {} {:?}", status.phase, status.message, status.deadline);
    }
}
