//! Counts the ends of the `JobManager`'s container in the record, so that each counts once.

use super::reason::failure_reason;
use crate::{
    api::{FlinkRolloutStatus, JobManagerEnds, StartedJob},
    cluster::{ContainerEnd, find_end},
    rollout::world::World,
    text::truncate,
};

/// The status with an end of the JobManager's container that the record does not hold yet.
pub(crate) fn record_end(world: &World, status: &FlinkRolloutStatus) -> Option<FlinkRolloutStatus> {
    let job = status.job.as_ref()?;
    let end = find_end(&world.workloads.job_manager)?;
    let known = job.ends.as_ref();
    if known.is_some_and(|known| !is_newer(&end, known)) {
        return None;
    }
    let cause = failure_reason(world).map(|cause| truncate(&cause, 1000));
    // Before the first look, the container may have ended several times.
    let (count, same_cause) = match known {
        None => (end.count, 1),
        Some(known) if is_same(known, end.code, cause.as_deref()) => (known.count + 1, known.same_cause + 1),
        Some(known) => (known.count + 1, 1),
    };
    let known_cause = known.filter(|known| known.code == end.code).and_then(|known| known.cause.clone());
    let ends = JobManagerEnds { count, same_cause, code: end.code, cause: cause.or(known_cause), at: end.at };
    Some(FlinkRolloutStatus { job: Some(StartedJob { ends: Some(ends), ..job.clone() }), ..status.clone() })
}

fn is_newer(end: &ContainerEnd, known: &JobManagerEnds) -> bool {
    match (&end.at, &known.at) {
        (Some(at), Some(known)) => at.0 > known.0,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// Whether an end has the cause of the last one. A log that could not be read names no other cause.
fn is_same(known: &JobManagerEnds, code: i32, cause: Option<&str>) -> bool {
    let differ =
        known.cause.as_deref().zip(cause).is_some_and(|(known, cause)| without_digits(known) != without_digits(cause));
    known.code == code && !differ
}

/// Two causes are the same although they name another time, port or thread.
fn without_digits(cause: &str) -> String {
    cause.chars().filter(|character| !character.is_ascii_digit()).collect()
}
