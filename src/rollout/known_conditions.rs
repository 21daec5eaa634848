//! What was not as it should be before the rollout. Plan records and shows it. It decides whether going back would help; it does not make
//! a failing version succeed.

use super::world::World;
use crate::{
    api::{ConditionKind, FlinkRolloutStatus, KnownCondition},
    cluster::Workload,
    text::truncate,
};

/// The conditions of the job that runs.
pub(super) fn find_conditions(world: &World) -> Vec<KnownCondition> {
    [find_finished(world), find_failing_checkpoints(world), find_missing_task_managers(world)]
        .into_iter()
        .flatten()
        .collect()
}

/// The condition of this kind, if the job had it before the rollout.
pub(super) fn known_condition(status: &FlinkRolloutStatus, kind: ConditionKind) -> Option<&KnownCondition> {
    let job = status.plan.as_ref()?.current.as_ref()?.job.as_ref()?;
    job.conditions.iter().find(|condition| condition.kind == kind)
}

fn find_finished(world: &World) -> Option<KnownCondition> {
    let finished = world.flink.job.as_ref()?.finished();
    (!finished.is_empty()).then(|| KnownCondition {
        kind: ConditionKind::VerticesFinished,
        text: truncate(&format!("vertices that have FINISHED: {}", finished.join(", ")), 1000),
    })
}

fn find_failing_checkpoints(world: &World) -> Option<KnownCondition> {
    let latest = &world.flink.checkpoints.as_ref()?.latest;
    let failed = latest.failed.as_ref()?;
    let completed = latest.completed.as_ref().map_or(0, |completed| completed.trigger_timestamp);
    // One failed checkpoint proves nothing.
    let pause = world.flink.checkpoint_configuration.as_ref().map_or(0, |known| known.interval.max(known.min_pause));
    let age = world.flink.job.as_ref().map_or(i64::MAX, |job| job.now - completed);
    let is_old = completed == 0 || age > pause.saturating_mul(3);
    let why = failed.failure_message.as_deref().and_then(|message| message.lines().next()).unwrap_or("no reason");
    (failed.trigger_timestamp > completed && is_old).then(|| KnownCondition {
        kind: ConditionKind::CheckpointsFail,
        text: format!("the last checkpoint failed: {}", truncate(why, 300)),
    })
}

fn find_missing_task_managers(world: &World) -> Option<KnownCondition> {
    let text = describe_missing_task_managers(&world.workloads.task_manager)?;
    Some(KnownCondition { kind: ConditionKind::TaskManagersMissing, text })
}

/// How many TaskManagers are Ready, if not all are.
pub(super) fn describe_missing_task_managers(workload: &Workload) -> Option<String> {
    let (ready, wanted) = (workload.ready_pods(), usize::try_from(workload.replicas()).unwrap_or_default());
    (ready < wanted).then(|| format!("{ready} of {wanted} TaskManagers are Ready"))
}
