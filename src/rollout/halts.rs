//! Which halted rollouts continue by themselves, and after which proof.

use jiff::SignedDuration;

use super::{
    effect::{POLL_SLOW, Step},
    health::newest_exception_time,
    world::World,
};
use crate::{
    api::{FlinkRolloutStatus, Halt, HaltKind, PastHalt, Stage, Watch},
    text::truncate,
};

/// How often a rollout continues by itself before it waits for a person.
pub(super) const MAX_CONTINUATIONS: u32 = 3;

/// How many halts that are over are remembered.
const MAX_PAST: usize = 8;

/// How long the API server must answer every look before writes are tried again.
const ANSWERS_AGAIN: SignedDuration = SignedDuration::from_secs(60);

/// What has to be seen before a halted rollout continues by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContinuesAfter {
    /// It waits for a person.
    Decision,
    /// No pod of either workload is left.
    PodsGone,
    /// The API server has answered every look for a minute.
    ApiServerAnswers,
    /// Flink shows the job, and every task runs.
    JobRunsWhole,
}

/// The table of the halts.
#[must_use]
pub(crate) fn continues_after(kind: HaltKind) -> ContinuesAfter {
    match kind {
        HaltKind::NeedsDecision
        | HaltKind::Parked
        | HaltKind::ScaledUpAgain
        | HaltKind::Unhealthy
        | HaltKind::ForeignChange => ContinuesAfter::Decision,
        HaltKind::PodsRemain => ContinuesAfter::PodsGone,
        HaltKind::NotWritten => ContinuesAfter::ApiServerAnswers,
        HaltKind::NotStarted | HaltKind::StartTooSlow | HaltKind::OutOfSight => ContinuesAfter::JobRunsWhole,
    }
}

/// Notes a halt that this step ends, so that the message about it can say that it is over.
pub(super) fn remember_end(world: &World, step: Step) -> Step {
    let before = world.rollout.status.as_ref();
    match (step, before.and_then(|status| Some((status.halt.as_ref()?, status.stages.len())))) {
        (Step::Record(mut status), Some((halt, stages))) if status.halt.is_none() => {
            status.past_halts.push(PastHalt {
                stage: halt.stage,
                stages: u32::try_from(stages).unwrap_or_default(),
                message: truncate(&halt.message, 500),
                until: world.time(),
            });
            let surplus = status.past_halts.len().saturating_sub(MAX_PAST);
            status.past_halts.drain(..surplus);
            Step::Record(status)
        }
        (step, _) => step,
    }
}

/// Whether Resume looks again at what was started, and does not start it anew.
pub(super) fn is_left_running(kind: HaltKind) -> bool {
    matches!(kind, HaltKind::NotStarted | HaltKind::StartTooSlow | HaltKind::OutOfSight)
}

/// What a halted rollout tells about continuing by itself; empty if it waits for a person.
pub(super) fn describe_continuation(kind: HaltKind, status: &FlinkRolloutStatus) -> String {
    if !may_continue(status) {
        return String::new();
    }
    let once = match continues_after(kind) {
        ContinuesAfter::Decision => return String::new(),
        ContinuesAfter::PodsGone => "the pods are gone",
        ContinuesAfter::ApiServerAnswers => "the API server has answered for a minute",
        ContinuesAfter::JobRunsWhole => "Flink shows that every task runs",
    };
    let left = MAX_CONTINUATIONS - status.continuations;
    format!(". It continues by itself once {once} ({left} of {MAX_CONTINUATIONS} times left)")
}

fn may_continue(status: &FlinkRolloutStatus) -> bool {
    let is_automatic = status.plan.as_ref().is_some_and(|plan| plan.settings.automatic_rollback);
    is_automatic && status.continuations < MAX_CONTINUATIONS
}

/// The next step of a halted rollout that no person has decided about.
pub(super) fn next_step(world: &World, halt: &Halt) -> Step {
    let status = world.status();
    if halt.parked || !may_continue(&status) || !is_proven(world, halt) {
        return Step::Wait(POLL_SLOW);
    }
    let mut next = look_again(world, status);
    next.continuations += 1;
    Step::record(next)
}

fn is_proven(world: &World, halt: &Halt) -> bool {
    match continues_after(halt.kind) {
        ContinuesAfter::Decision => false,
        ContinuesAfter::PodsGone => world.pods_gone().is_some(),
        ContinuesAfter::ApiServerAnswers => {
            let since = world.watched_since.max(halt.at.0);
            world.now.duration_since(since) >= ANSWERS_AGAIN
        }
        ContinuesAfter::JobRunsWhole => world.flink.checkpoints.is_some() && world.job_runs_whole(),
    }
}

/// Enters the stage of the halt again, with a new deadline. What was started is left as it is.
pub(super) fn look_again(world: &World, mut status: FlinkRolloutStatus) -> FlinkRolloutStatus {
    status.halt = None;
    if status.stage == Stage::Monitor {
        status.watch = Some(begin_again(world, &status));
    }
    if let Some(ends) = status.job.as_mut().and_then(|job| job.ends.as_mut()) {
        // Whoever lets it go on knows of the earlier ends.
        (ends.count, ends.same_cause) = (0, 0);
    }
    let stage = status.stage;
    status.enter(world, stage);
    status
}

/// A watch that begins with the settling.
pub(super) fn begin_again(world: &World, status: &FlinkRolloutStatus) -> Watch {
    let counts = world.flink.checkpoints.as_ref().map(|checkpoints| checkpoints.counts);
    let known = status.watch.as_ref().map(|watch| watch.restored + watch.restarts);
    Watch {
        settling_since: Some(world.time()),
        newest_exception: newest_exception_time(world),
        restored: counts.map(|counts| counts.restored).or(known).unwrap_or_default(),
        failed: counts.map(|counts| counts.failed).unwrap_or_default(),
        job_started: world.job_started(),
        ..Watch::default()
    }
}
