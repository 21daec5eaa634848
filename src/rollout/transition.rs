//! Moves a rollout along the stages. Only these functions change stage, direction, deadline and halt.

use jiff::{SignedDuration, Timestamp};

use super::{effect::Step, halts::describe_continuation, ids::operation_id, operation::Operation, world::World};
use crate::{
    api::{
        self, Choice, Direction, Failure, FlinkRolloutStatus, Halt, HaltKind, OperationRecord, ResultKind,
        RolloutResult, Stage, StageOutcome, StageRecord, default_start_deadline, default_start_total,
    },
    text::truncate,
};

/// How long a watch may last beyond its end while nothing can be observed.
pub(super) const WATCH_SLACK: SignedDuration = SignedDuration::from_secs(60);

/// How often a rollout may stop because pods come up again.
const MAX_STOPS: usize = 4;

/// Reads and extends the operations and stages of a status.
pub trait StatusExt {
    /// The record of an operation of the current direction and attempt.
    fn operation(&self, operation: Operation) -> Option<&OperationRecord>;
    /// Whether an operation of the current direction and attempt was carried out.
    fn completed(&self, operation: Operation) -> bool;
    /// Records the intent of an operation, if it is not recorded yet.
    fn intend(&mut self, rollout_uid: &str, operation: Operation, now: Timestamp);
    /// Leaves the current stage with its evidence and enters the next.
    fn advance(&mut self, world: &World, outcome: StageOutcome, evidence: &str, next: Stage);
}

impl StatusExt for FlinkRolloutStatus {
    fn operation(&self, operation: Operation) -> Option<&OperationRecord> {
        let key = operation_key(self.direction, self.attempt, operation);
        self.operations.iter().find(|record| record.name == key)
    }

    fn completed(&self, operation: Operation) -> bool {
        self.operation(operation).is_some_and(|record| record.completed_at.is_some())
    }

    fn intend(&mut self, rollout_uid: &str, operation: Operation, now: Timestamp) {
        if self.operation(operation).is_none() {
            self.operations.push(OperationRecord {
                name: operation_key(self.direction, self.attempt, operation),
                id: operation_id(rollout_uid, self.direction, self.attempt, operation),
                started_at: api::time(now),
                completed_at: None,
                last_error: None,
            });
        }
    }

    fn advance(&mut self, world: &World, outcome: StageOutcome, evidence: &str, next: Stage) {
        self.leave(world, outcome, evidence);
        self.enter(world, next);
    }
}

impl FlinkRolloutStatus {
    pub(super) fn leave(&mut self, world: &World, outcome: StageOutcome, evidence: &str) {
        let (stage, direction) = (self.stage, self.direction);
        let open = self
            .stages
            .iter_mut()
            .rev()
            .find(|record| record.stage == stage && record.direction == direction && record.ended_at.is_none());
        if let Some(record) = open {
            record.ended_at = Some(world.time());
            record.outcome = Some(outcome);
            record.evidence = truncate(evidence, 1000);
        }
    }

    pub(super) fn enter(&mut self, world: &World, stage: Stage) {
        self.stage = stage;
        self.phase = self.derived_phase();
        self.message = String::new();
        self.waiting = None;
        self.deadline = Some(api::time(stage_deadline(world, self, stage)));
        self.stages.push(StageRecord {
            stage,
            direction: self.direction,
            started_at: world.time(),
            ended_at: None,
            outcome: None,
            evidence: String::new(),
        });
    }
}

pub(super) fn operation_key(direction: Direction, attempt: u32, operation: Operation) -> String {
    let direction = if direction == Direction::Forward { "forward" } else { "back" };
    format!("{direction}/{attempt}/{}", operation.name())
}

/// When a stage that is entered now must end.
fn stage_deadline(world: &World, status: &FlinkRolloutStatus, stage: Stage) -> Timestamp {
    let settings = status.plan.as_ref().map(|plan| &plan.settings);
    let seconds = match stage {
        Stage::Plan | Stage::Stop => 300,
        Stage::Approve => return status.plan.as_ref().map_or(world.now, |plan| plan.expires_at.0),
        Stage::Savepoint => settings.map_or(600, |settings| i64::from(settings.savepoint.timeout_seconds)) + 30,
        Stage::ClearHa => 120,
        Stage::Deploy | Stage::Restore => 180,
        Stage::Verify => i64::from(start_seconds(status).without_progress),
        Stage::Monitor => {
            let monitor = settings.map(|settings| settings.monitor.clone()).unwrap_or_default();
            i64::from(monitor.stabilise_seconds) + i64::from(monitor.watch_seconds) + WATCH_SLACK.as_secs()
        }
    };
    world.now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// How long a start may take, in seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct StartSeconds {
    /// Without any progress.
    pub(super) without_progress: u32,
    /// In all.
    pub(super) total: u32,
}

/// How long a start may take. A short time finds a bad version early; what ran before gets more time.
pub(super) fn start_seconds(status: &FlinkRolloutStatus) -> StartSeconds {
    let settings = status.plan.as_ref().map(|plan| &plan.settings);
    let asked = settings.map_or_else(default_start_deadline, |settings| settings.start_deadline_seconds);
    let total = settings.map_or_else(default_start_total, |settings| settings.start_total_seconds);
    match status.direction {
        Direction::Forward => StartSeconds { without_progress: asked, total },
        Direction::Back => StartSeconds {
            without_progress: settings
                .and_then(|settings| settings.rollback_start_seconds)
                .unwrap_or_else(|| asked.max(default_start_deadline())),
            total: total.max(default_start_total()),
        },
    }
}

/// Turns the rollout back to the previous version, from the restore point.
#[must_use]
pub fn turn_back(world: &World, mut status: FlinkRolloutStatus, why: &str) -> FlinkRolloutStatus {
    status.leave(world, StageOutcome::Failed, why);
    status.failure.get_or_insert(Failure { stage: status.stage, message: truncate(why, 2000), at: world.time() });
    status.halt = None;
    status.job = None;
    status.watch = None;
    status.direction = Direction::Back;
    status.attempt += 1;
    status.enter(world, Stage::Stop);
    status
}

/// Halts the rollout and says what it waits for. Everything is left as it is.
#[must_use]
pub fn halt(world: &World, mut status: FlinkRolloutStatus, kind: HaltKind, why: &str) -> FlinkRolloutStatus {
    status.leave(world, StageOutcome::Failed, why);
    let message = format!("{}{}", truncate(why, 1800), describe_continuation(kind, &status));
    status.halt = Some(Halt {
        stage: status.stage,
        kind,
        message: message.clone(),
        parked: false,
        at_rest: None,
        commands: Vec::new(),
        at: world.time(),
    });
    status.waiting = None;
    status.phase = status.derived_phase();
    status.message = message;
    status
}

/// Turns the rollout back after a failure, if automatic rollback is on. Otherwise, and in direction Back, the rollout halts.
pub(super) fn turn_back_or_halt(world: &World, status: FlinkRolloutStatus, why: &str) -> FlinkRolloutStatus {
    let automatic = status.plan.as_ref().is_none_or(|plan| plan.settings.automatic_rollback || plan.first_deployment);
    match status.direction {
        Direction::Forward if automatic => turn_back(world, status, why),
        Direction::Forward => {
            let undo = if status.restore_point.is_some() { "roll back" } else { "abort it" };
            let why = format!("{why}. Automatic rollback is off for this application: {undo} or give up.");
            halt(world, status, HaltKind::NeedsDecision, &why)
        }
        Direction::Back => halt(world, status, HaltKind::NeedsDecision, why),
    }
}

/// Ends the rollout Untouched.
pub(super) fn end_untouched(world: &World, why: &str, choices: Vec<Choice>) -> Step {
    end_with_choices(world, ResultKind::Untouched, why, choices)
}

/// Ends the rollout, and records the status that led to this end in the same write.
pub(super) fn end_after(world: &World, mut status: FlinkRolloutStatus, kind: ResultKind, why: &str) -> Step {
    status.ending = Some(build_result(world, kind, why, Vec::new()));
    Step::record(status)
}

/// Ends the rollout with this result.
pub(super) fn end_with(world: &World, kind: ResultKind, why: &str) -> Step {
    end_with_choices(world, kind, why, Vec::new())
}

/// Ends the rollout with this result, and offers start states for a new one.
pub(super) fn end_with_choices(world: &World, kind: ResultKind, why: &str, choices: Vec<Choice>) -> Step {
    Step::End(Box::new(build_result(world, kind, why, choices)))
}

fn build_result(world: &World, kind: ResultKind, why: &str, choices: Vec<Choice>) -> RolloutResult {
    RolloutResult { kind, message: truncate(why, 2000), at: world.time(), choices }
}

/// Parks the rollout, because the previous version could not be started either. The halt names the commands that start it.
pub(super) fn park(world: &World, status: FlinkRolloutStatus, why: &str) -> FlinkRolloutStatus {
    let commands = start_commands(world, &status);
    let path = status.restore_point.as_ref().map_or_else(String::new, |point| point.path.to_string());
    let why = format!(
        "the previous version could not be brought back: {why}. It is parked at 0 replicas and starts from {path}. Mend the cause, then \
         resume; or give up"
    );
    let mut halted = halt(world, status, HaltKind::Parked, &why);
    if let Some(halt) = &mut halted.halt {
        (halt.parked, halt.commands) = (true, commands);
    }
    halted
}

/// The commands by which a person starts a parked application.
fn start_commands(world: &World, status: &FlinkRolloutStatus) -> Vec<String> {
    let namespace = world.rollout.metadata.namespace.clone().unwrap_or_default();
    status.plan.as_ref().map_or_else(Vec::new, |plan| {
        let replicas = plan.current.as_ref().map_or(1, |current| current.workloads.task_manager.replicas);
        vec![
            format!(
                "kubectl -n {namespace} scale deployment {} --replicas={replicas}",
                plan.settings.deployments.task_manager
            ),
            format!("kubectl -n {namespace} scale deployment {} --replicas=1", plan.settings.deployments.job_manager),
        ]
    })
}

/// Enters the stage Stop again, up to [`MAX_STOPS`] times.
pub(super) fn restart_from_stop(world: &World, mut status: FlinkRolloutStatus, why: &str) -> Step {
    let here = |record: &&StageRecord| record.stage == Stage::Stop && record.direction == status.direction;
    if status.stages.iter().filter(here).count() >= MAX_STOPS {
        let why = format!(
            "{why}, for the {MAX_STOPS}th time: something scales the Deployments up. Find out what does (an autoscaler, GitOps), stop it, then resume"
        );
        return Step::record(halt(world, status, HaltKind::ScaledUpAgain, &why));
    }
    status.advance(world, StageOutcome::Failed, why, Stage::Stop);
    Step::record(status)
}
