//! Stop: scales the JobManager to 0, then the TaskManagers, and waits until no pod is left.
//!
//! A Deployment starts a JobManager that has ended again, and the old job with it. So the JobManager goes first.

use kube::ResourceExt;

use crate::{
    api::{Component, Direction, Duplicates, FlinkRolloutStatus, HaltKind, ResultKind, Stage, StageOutcome, Time},
    cluster::Workload,
    rollout::{
        effect::{Effect, POLL_FAST, Step},
        ids::operation_id,
        leadership::record_own_leaders,
        needs::Needs,
        offers::offer_empty_start,
        operation::Operation,
        transition::{StatusExt as _, end_with_choices, halt},
        world::World,
    },
};

pub(super) const NEEDS: Needs = Needs::CLUSTER;

pub(super) fn next_step(world: &World) -> Step {
    let status = world.status();
    if world.pods_gone().is_some() {
        return leave_stage(world, status);
    }
    // Once the pods are gone, nobody can tell our own leader from another.
    if let Some(status) = record_own_leaders(world, &status) {
        return Step::record(status);
    }
    if let Some(since) = restarted_at(world, &status) {
        let mut status = status;
        status.duplicates = Some(Duplicates { from: since, to: world.time() });
        return Step::record(status);
    }
    if world.is_past_deadline() && (!world.is_scaled_up() || status.completed(Operation::StopTaskManagers)) {
        let pods = world.workloads.iter().flat_map(Workload::live_pods);
        let left: Vec<String> = pods.map(ResourceExt::name_any).collect();
        let why = format!(
            "pods are still there after the scale-down: {}. Find out what holds them, then resume",
            left.join(", ")
        );
        return Step::record(halt(world, status, HaltKind::PodsRemain, &why));
    }
    if world.workloads.job_manager.replicas() > 0 {
        return Step::act(Operation::StopJobManager, Effect::Stop(Component::JobManager));
    }
    if let Some(effect) = release_effect(world, &status) {
        return Step::act(Operation::ReleaseJobManager, effect);
    }
    if world.workloads.task_manager.replicas() > 0 {
        return Step::act(Operation::StopTaskManagers, Effect::Stop(Component::TaskManager));
    }
    Step::Wait(POLL_FAST)
}

/// A JobManager waits up to 5 minutes until the status of its stop was read (`rest.async.store-duration`). The path is recorded and the
/// Deployment is at 0 now, so the status is read at the pod's own address, and the JobManager exits at once.
fn release_effect(world: &World, status: &FlinkRolloutStatus) -> Option<Effect> {
    let forward_stop = status.direction == Direction::Forward
        && status.completed(Operation::StopWithSavepoint)
        && !status.completed(Operation::ReleaseJobManager);
    let point = status.restore_point.as_ref().filter(|_| forward_stop)?;
    // Before the pod terminates, the kubelet would start its container again.
    let pod = world.workloads.job_manager.live_pods().find(|pod| pod.metadata.deletion_timestamp.is_some())?;
    let trigger_id = operation_id(&world.uid(), Direction::Forward, status.attempt, Operation::StopWithSavepoint);
    Some(Effect::ReleaseJobManager { pod: pod.name_any(), job: point.job_id.clone()?, trigger_id })
}

fn leave_stage(world: &World, mut status: FlinkRolloutStatus) -> Step {
    let nothing_ran = status.plan.as_ref().is_some_and(|plan| match &plan.current {
        None => true,
        Some(current) => current.job.is_none() && status.restore_point.is_none(),
    });
    if nothing_ran && status.direction == Direction::Back {
        let why = status.failure.clone().map_or_else(String::new, |failure| failure.message);
        return end_with_choices(
            world,
            ResultKind::Failed,
            &format!("it did not work, and nothing ran before that could be brought back: {why}. It is at 0 replicas"),
            vec![offer_empty_start()],
        );
    }
    let evidence = match find_duplicates(world, &status) {
        Some(duplicates) => {
            let text = format!(
                "the old job ran again after its stop: duplicates possible from {} to {}",
                duplicates.from.0, duplicates.to.0
            );
            status.duplicates = Some(duplicates);
            text
        }
        None => "no pod is left".to_owned(),
    };
    let outcome =
        if world.workloads.job_manager.deployment.is_none() { StageOutcome::Skipped } else { StageOutcome::Done };
    status.advance(world, outcome, &evidence, Stage::ClearHa);
    Step::record(status)
}

/// After a stop, Flink removes the HA metadata of the job. If the metadata is there, the old job has run again.
fn find_duplicates(world: &World, status: &FlinkRolloutStatus) -> Option<Duplicates> {
    let stopped = status.direction == Direction::Forward && status.operation(Operation::StopWithSavepoint).is_some();
    let plan = status.plan.as_ref().filter(|_| stopped)?;
    if let Some(seen) = &status.duplicates {
        return Some(Duplicates { to: world.time(), ..seen.clone() });
    }
    let cluster = &plan.current.as_ref()?.high_availability.kubernetes_cluster_id;
    world.ha.shows_a_job(cluster).then(|| Duplicates {
        from: status.restore_point.as_ref().map_or_else(|| world.time(), |point| point.at.clone()),
        to: world.time(),
    })
}

/// When a container of the JobManager started after the savepoint. It runs the old job with its old arguments.
fn restarted_at(world: &World, status: &FlinkRolloutStatus) -> Option<Time> {
    if status.direction == Direction::Back
        || status.operation(Operation::StopWithSavepoint).is_none()
        || status.duplicates.is_some()
    {
        return None;
    }
    let point = status.restore_point.as_ref()?;
    world.workloads.job_manager.running_since().filter(|since| since.0 > point.at.0)
}
