//! With how many `TaskManagers` a target runs: `ReplicaSets` do not keep the count, and often enough a chart does not say it either.

use kube::{ResourceExt as _, core::DynamicObject};
use serde_json::Value;

use crate::{
    api::{Current, PREVIOUS_REPLICAS_ANNOTATION},
    cluster::{DEPLOYMENT, is_named},
    record::RevisionRecord,
    rollout::World,
};

/// The live count that a target keeps, and why it does.
pub(super) struct KeptReplicas {
    pub(super) replicas: i32,
    deployment: String,
    /// A line of the plan.
    why: String,
}

impl KeptReplicas {
    /// Says so in the plan, first, in place of the count that the chart says and that does not come to pass.
    pub(super) fn tell(self, changes: &mut Vec<String>) {
        changes.retain(|line| !line.starts_with(&format!("~ Deployment {} spec.replicas:", self.deployment)));
        changes.insert(0, self.why);
    }
}

/// What the chart says.
pub(super) fn of_chart(objects: &[DynamicObject], deployment: &str) -> Option<i32> {
    let named = |object: &&DynamicObject| is_named(object, DEPLOYMENT, deployment);
    let replicas = objects.iter().find(named)?.data.pointer("/spec/replicas")?.as_i64()?;
    i32::try_from(replicas).ok()
}

/// The live count, where an autoscaler owns it or the chart leaves it open.
pub(super) fn kept(
    world: &World,
    current: Option<&Current>,
    deployment: &str,
    chart_says: bool,
) -> Option<KeptReplicas> {
    let replicas = current?.workloads.task_manager.replicas;
    let autoscaler = world.autoscalers.iter().find(|autoscaler| autoscaler.deployment == deployment);
    let whose = match autoscaler {
        Some(scaled) => {
            format!("HorizontalPodAutoscaler {} owns the count, {} to {}", scaled.name, scaled.min, scaled.max)
        }
        None if !chart_says => "the chart names no count".to_owned(),
        None => return None,
    };
    let why = format!("= Deployment {deployment} keeps its {replicas} replicas: {whose}");
    (replicas > 0).then(|| KeptReplicas { replicas, deployment: deployment.to_owned(), why })
}

/// What is parked is brought back with the replicas it ran with, not with the 0 it has.
pub(super) fn as_it_ran(mut current: Current, previous: Option<&RevisionRecord>) -> Current {
    if let (0, Some(previous)) = (current.workloads.task_manager.replicas, previous) {
        current.workloads.task_manager.replicas = previous.task_manager_replicas;
    }
    current
}

/// The replicas that what was installed by other means runs with: while it is parked, those that its last rollout found.
pub(super) fn of_adopted(world: &World, current: &Current) -> i32 {
    let noted = world.workloads.task_manager.deployment.as_ref().and_then(|deployment| {
        deployment.annotations().get(PREVIOUS_REPLICAS_ANNOTATION)?.parse().ok().filter(|replicas| *replicas > 0)
    });
    if current.workloads.task_manager.replicas > 0 {
        current.workloads.task_manager.replicas
    } else {
        noted.unwrap_or(1)
    }
}

/// The count in an object that is shown.
pub(super) fn set(deployment: &mut DynamicObject, replicas: i32) {
    deployment.data["spec"]["replicas"] = Value::from(replicas);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_is_kept_is_told_instead_of_the_charts() {
        let mut changes: Vec<String> =
            ["~ Deployment jm spec.replicas: 1 → 1", "~ Deployment tm spec.replicas: 2 → 1", "+ Service rest"]
                .map(str::to_owned)
                .into();
        KeptReplicas {
            replicas: 2,
            deployment: "tm".to_owned(),
            why: "= Deployment tm keeps its 2 replicas".to_owned(),
        }
        .tell(&mut changes);
        assert_eq!(
            changes,
            ["= Deployment tm keeps its 2 replicas", "~ Deployment jm spec.replicas: 1 → 1", "+ Service rest"]
        );
    }
}
