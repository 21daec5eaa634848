//! Right before the stop, all must be as it was when the plan was made.

use kube::ResourceExt as _;

use crate::{
    api::{Current, Plan, RunningJob, WorkloadSnapshot},
    cluster::Workload,
    rollout::{configuration::configuration_digest, world::World},
};

/// What differs from the plan, if anything does.
pub(super) fn find_change(world: &World, plan: &Plan) -> Option<String> {
    let Some(current) = &plan.current else { return something_appeared(world) };
    workload_changed(&current.workloads.job_manager, &world.workloads.job_manager)
        .or_else(|| workload_changed(&current.workloads.task_manager, &world.workloads.task_manager))
        .or_else(|| job_changed(world, current))
        .or_else(|| configuration_changed(world, current))
        .or_else(|| {
            let job_manager = &current.workloads.job_manager;
            let scaled_up = job_manager.replicas == 0 && world.workloads.job_manager.replicas() > 0;
            scaled_up.then(|| format!("Deployment {} was scaled up", job_manager.deployment))
        })
}

/// Whether Flink has said enough to be compared with the plan.
pub(super) fn can_compare(world: &World, job: &RunningJob) -> bool {
    world.flink.jobs.is_some() && (job.configuration_digest.is_none() || world.flink.configuration.is_some())
}

/// At a first deployment nothing ran when the plan was made. Whatever runs by now must not be stopped without a savepoint.
fn something_appeared(world: &World) -> Option<String> {
    world.workloads.iter().find_map(|workload| {
        let deployment = workload.deployment.as_ref().map(|deployment| format!("Deployment {}", deployment.name_any()));
        let found = deployment.or_else(|| workload.live_pods().next().map(|pod| format!("pod {}", pod.name_any())))?;
        Some(format!("{found} was made"))
    })
}

fn workload_changed(planned: &WorkloadSnapshot, live: &Workload) -> Option<String> {
    let name = &planned.deployment;
    let Some(now) = live.snapshot() else { return Some(format!("Deployment {name} is gone")) };
    if now.uid != planned.uid {
        return Some(format!("Deployment {name} was made anew"));
    }
    if now.template_digest != planned.template_digest || now.replica_set_uid != planned.replica_set_uid {
        return Some(format!("the pods of Deployment {name} were changed"));
    }
    (now.image_ids != planned.image_ids).then(|| format!("the images of Deployment {name} changed"))
}

fn job_changed(world: &World, current: &Current) -> Option<String> {
    let jobs = world.flink.jobs.as_ref()?;
    let mut running = jobs.iter().filter(|job| !job.state.is_terminal());
    match &current.job {
        Some(planned) => {
            (!running.any(|job| job.jid == planned.id)).then(|| "the job was replaced or ended".to_owned())
        }
        None => running.next().map(|job| format!("the job {} was started", job.jid)),
    }
}

fn configuration_changed(world: &World, current: &Current) -> Option<String> {
    let planned = current.job.as_ref()?.configuration_digest.as_ref()?;
    let now = configuration_digest(world.flink.configuration.as_ref()?);
    (&now != planned).then(|| "Flink's configuration changed".to_owned())
}
