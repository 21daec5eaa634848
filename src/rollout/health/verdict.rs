//! Turns signs into the next step: a failure now, a wait, or the end of the wait.

use jiff::{SignedDuration, Timestamp};

use super::{
    advance::{is_initializing, start_progress},
    sign::{Observed, Sign, Verdict, end_of_wait},
};
use crate::{
    api::{self, ConditionKind, Direction, FlinkRolloutStatus, HaltKind, Stage, StartedJob, Waiting},
    rollout::{
        effect::{POLL_FAST, Step},
        known_conditions::known_condition,
        transition::{halt, park, start_seconds, turn_back_or_halt},
        world::World,
    },
    text::truncate,
};

/// A start that is younger shows only what pods wait for. What Flink does not show yet is no news then.
const QUIET_START: SignedDuration = SignedDuration::from_secs(10);

/// How long every answer of Flink must have a gap before this counts as silence.
const LONG_GAP: SignedDuration = SignedDuration::from_secs(30);

/// The first sign that fails the version now.
pub(crate) fn find_failure(signs: &[Observed], direction: Direction) -> Option<&Observed> {
    signs.iter().find(|sign| sign.fails(direction))
}

/// Carries out the verdict of a sign.
pub(crate) fn conclude(world: &World, status: FlinkRolloutStatus, sign: Sign, why: &str) -> Step {
    let verdict = end_of_wait(sign, status.direction);
    let keeps_ending = keeps_ending(world, &status);
    // A version that is watched has run whole, so it is never parked.
    let is_watched = status.stage == Stage::Monitor;
    if let (Verdict::TurnBack, Some(before)) = (verdict, had_before(&status, sign)) {
        let why = format!("{why}. Before this rollout it was the same, so going back would not help: {before}");
        return Step::record(leave_as_it_is(world, status, HaltKind::Unhealthy, &why));
    }
    Step::record(match verdict {
        Verdict::TurnBack => turn_back_or_halt(world, status, why),
        Verdict::Park if !is_watched => park(world, status, why),
        Verdict::ParkIfRepeated if keeps_ending && !is_watched => park(world, status, why),
        Verdict::Halt(kind @ (HaltKind::OutOfSight | HaltKind::ForeignChange)) => {
            leave_as_it_is(world, status, kind, why)
        }
        _ if is_watched => leave_as_it_is(world, status, HaltKind::Unhealthy, why),
        Verdict::Halt(kind) => leave_as_it_is(world, status, kind, why),
        Verdict::Park | Verdict::ParkIfRepeated | Verdict::Nothing => {
            leave_as_it_is(world, status, HaltKind::StartTooSlow, why)
        }
    })
}

/// Whether the JobManager ends again and again with the same cause, and has never shown the restored job.
fn keeps_ending(world: &World, status: &FlinkRolloutStatus) -> bool {
    let Some(job) = status.job.as_ref().filter(|job| job.restored_at.is_none()) else { return false };
    job.ends.as_ref().is_some_and(|ends| ends.same_cause > 1) && world.flink.job.is_none()
}

/// The same trouble of the previous version, as Plan recorded it.
fn had_before(status: &FlinkRolloutStatus, sign: Sign) -> Option<String> {
    let kind = match sign {
        Sign::CheckpointsMissing => ConditionKind::CheckpointsFail,
        _ => return None,
    };
    known_condition(status, kind).map(|known| known.text.clone())
}

fn leave_as_it_is(world: &World, status: FlinkRolloutStatus, kind: HaltKind, why: &str) -> FlinkRolloutStatus {
    let who = if status.direction == Direction::Back { "the previous version" } else { "the new version" };
    let why = match kind {
        HaltKind::NotStarted => format!(
            "{who} has not started: {why}. Its Deployments are left at their replicas, so it starts once the cause is gone: mend it, then \
             resume; or give up"
        ),
        HaltKind::StartTooSlow => format!(
            "{who} does not run whole: {why}. It is left as it is: find the cause, then resume the wait; or give up"
        ),
        HaltKind::OutOfSight => format!(
            "{why}. {who} is left running: check the REST Service, its endpoints, and the way from the API server to the pods; then resume"
        ),
        HaltKind::Unhealthy if status.direction == Direction::Forward => {
            format!("{who} runs but is not healthy: {why}. It is left running: resume the watch, roll back, or give up")
        }
        HaltKind::Unhealthy => format!(
            "{who} runs again from the restore point but is not healthy: {why}. It is left running: resume the watch, or give up"
        ),
        HaltKind::ForeignChange => format!(
            "{why}. Nothing else is changed: find out who changes it (GitOps, an operator, a person) and stop that. Put the template back, then resume; or give up"
        ),
        HaltKind::NeedsDecision
        | HaltKind::Parked
        | HaltKind::PodsRemain
        | HaltKind::ScaledUpAgain
        | HaltKind::NotWritten => why.to_owned(),
    };
    halt(world, status, kind, &why)
}

/// Waits until a start runs whole: records its progress, shows what is waited for, and ends the wait at the deadline.
pub(crate) fn waits_out(world: &World, status: FlinkRolloutStatus, job: &StartedJob, signs: &[Observed]) -> Step {
    let seconds = start_seconds(&status);
    if let Some(status) = note_progress(world, &status, job) {
        return Step::record(status);
    }
    let deciding = find_deciding(signs, status.direction);
    // Silence counts only after a while, and not in the one look in which the deadline passes.
    let is_short = |sign: Sign| sign == Sign::Silence && !silence_counts(world);
    match deciding {
        Some(sign) if world.is_past_deadline() && !is_short(sign.sign) => {
            let all: Vec<&str> = signs.iter().map(|sign| sign.text.as_str()).collect();
            let limit = if world.now >= total_end(world, &status) {
                format!("the start took longer than {} s", seconds.total)
            } else {
                format!("no progress within {} s", seconds.without_progress)
            };
            conclude(world, status, sign.sign, &format!("{limit}: {}", all.join("; ")))
        }
        _ => show_wait(world, status, signs.first()),
    }
}

/// The sign that decides at the end of a wait. Silence comes first: the others may be old, and the job may run all the same.
pub(crate) fn find_deciding(signs: &[Observed], direction: Direction) -> Option<&Observed> {
    let silence = signs.iter().find(|sign| sign.sign == Sign::Silence);
    silence.or_else(|| signs.iter().find(|sign| end_of_wait(sign.sign, direction) != Verdict::Nothing))
}

/// Whether Flink has been silent for a while, and not only in one look. An answer with a gap counts if no look since the deadline had a
/// whole one.
pub(crate) fn silence_counts(world: &World) -> bool {
    let deadline = world.rollout.status.as_ref().and_then(|status| status.deadline.as_ref());
    let is_long_over = deadline.is_some_and(|deadline| world.now.duration_since(deadline.0) >= LONG_GAP);
    world.flink_is_silent() || (world.flink.jobs.is_some() && is_long_over)
}

/// Records progress, and counts the deadline from it.
fn note_progress(world: &World, status: &FlinkRolloutStatus, job: &StartedJob) -> Option<FlinkRolloutStatus> {
    let progress = start_progress(world);
    let seconds = i64::from(start_seconds(status).without_progress);
    let deadline = status.deadline.as_ref().map_or(world.now, |deadline| deadline.0);
    let is_half_over = deadline.duration_since(world.now).as_secs() < seconds / 2;
    let restores = is_half_over && is_initializing(world, seconds / 2);
    if progress <= job.progress && !restores {
        return None;
    }
    let mut next = status.clone();
    let from_now = world.now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
    next.deadline = Some(api::time(deadline.max(from_now.min(total_end(world, status)))));
    next.job = Some(StartedJob { progress: progress.max(job.progress), ..job.clone() });
    // At the end of the whole time, progress moves nothing any more.
    (next.deadline.as_ref().map(|next| next.0) > Some(deadline) || progress > job.progress).then_some(next)
}

/// When the whole start must have ended.
fn total_end(world: &World, status: &FlinkRolloutStatus) -> Timestamp {
    let begun = status.stages.last().map_or(world.now, |record| record.started_at.0);
    let total = SignedDuration::from_secs(i64::from(start_seconds(status).total));
    begun.checked_add(total).unwrap_or(Timestamp::MAX)
}

/// Shows in the status what the start waits for, and since when.
fn show_wait(world: &World, mut status: FlinkRolloutStatus, sign: Option<&Observed>) -> Step {
    let begun = status.stages.last().map_or(world.now, |record| record.started_at.0);
    let is_quiet = world.now.duration_since(begun) < QUIET_START;
    let sign = sign.filter(|sign| !is_quiet || sign.sign < Sign::NoReadyJobManager);
    let before = status.waiting.clone();
    if sign.is_none() {
        status.message = String::new();
    }
    show_sign(world, &mut status, sign);
    if status.waiting == before { Step::Wait(POLL_FAST) } else { Step::record(status) }
}

/// Puts a sign into the status, with the time since when it is seen.
pub(crate) fn show_sign(world: &World, status: &mut FlinkRolloutStatus, sign: Option<&Observed>) {
    let Some(sign) = sign else {
        status.waiting = None;
        return;
    };
    let shown = status.waiting.take().filter(|waiting| waiting.sign == sign.sign.to_string());
    status.waiting = shown.or_else(|| Some(Waiting { sign: sign.sign.to_string(), since: world.time() }));
    // A job can have hundreds of vertices with long names.
    status.message = truncate(&sign.text, 2000);
}
