//! Finds how many `TaskManagers` a target runs with. `ReplicaSets` do not keep the count, and many charts do not set it.

use kube::{ResourceExt as _, core::DynamicObject};
use serde_json::Value;

use crate::{
    api::{Current, PREVIOUS_REPLICAS_ANNOTATION},
    cluster::{DEPLOYMENT, is_named},
    record::RevisionRecord,
    rollout::World,
};

/// The live count that a target keeps.
pub(super) struct KeptReplicas {
    pub(super) replicas: i32,
    deployment: String,
    /// Explains the kept count as a line of the plan.
    why: String,
}

impl KeptReplicas {
    /// Puts the kept count first in the plan. It replaces the line with the chart's count, which is not applied.
    pub(super) fn show_in(self, changes: &mut Vec<String>) {
        changes.retain(|line| !line.starts_with(&format!("~ Deployment {} spec.replicas:", self.deployment)));
        changes.insert(0, self.why);
    }
}

pub(super) fn replicas_in_chart(objects: &[DynamicObject], deployment: &str) -> Option<i32> {
    let named = |object: &&DynamicObject| is_named(object, DEPLOYMENT, deployment);
    let replicas = objects.iter().find(named)?.data.pointer("/spec/replicas")?.as_i64()?;
    i32::try_from(replicas).ok()
}

/// Keeps the live count if an autoscaler owns it, or if the chart does not set it.
pub(super) fn keep_live_replicas(
    world: &World,
    current: Option<&Current>,
    deployment: &str,
    chart_sets_count: bool,
) -> Option<KeptReplicas> {
    let replicas = current?.workloads.task_manager.replicas;
    let autoscaler = world.autoscalers.iter().find(|autoscaler| autoscaler.deployment == deployment);
    let reason = match autoscaler {
        Some(scaled) => {
            format!("HorizontalPodAutoscaler {} owns the count, {} to {}", scaled.name, scaled.min, scaled.max)
        }
        None if !chart_sets_count => "the chart sets no count".to_owned(),
        None => return None,
    };
    let why = format!("= Deployment {deployment} keeps its {replicas} replicas: {reason}");
    (replicas > 0).then(|| KeptReplicas { replicas, deployment: deployment.to_owned(), why })
}

/// A parked application has 0 replicas. It comes back with the replicas that it ran with.
pub(super) fn restore_parked_replicas(mut current: Current, previous: Option<&RevisionRecord>) -> Current {
    if let (0, Some(previous)) = (current.workloads.task_manager.replicas, previous) {
        current.workloads.task_manager.replicas = previous.task_manager_replicas;
    }
    current
}

/// The replicas of an application that other means installed. While it is parked, these are the ones that its last rollout found.
pub(super) fn replicas_of_adopted(world: &World, current: &Current) -> i32 {
    let annotated = world.workloads.task_manager.deployment.as_ref().and_then(|deployment| {
        deployment.annotations().get(PREVIOUS_REPLICAS_ANNOTATION)?.parse().ok().filter(|replicas| *replicas > 0)
    });
    if current.workloads.task_manager.replicas > 0 {
        current.workloads.task_manager.replicas
    } else {
        annotated.unwrap_or(1)
    }
}

pub(super) fn set_replicas(deployment: &mut DynamicObject, replicas: i32) {
    deployment.data["spec"]["replicas"] = Value::from(replicas);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_count_replaces_the_charts_count_in_the_plan() {
        let mut changes: Vec<String> =
            ["~ Deployment jm spec.replicas: 1 → 1", "~ Deployment tm spec.replicas: 2 → 1", "+ Service rest"]
                .map(str::to_owned)
                .into();
        KeptReplicas {
            replicas: 2,
            deployment: "tm".to_owned(),
            why: "= Deployment tm keeps its 2 replicas".to_owned(),
        }
        .show_in(&mut changes);
        assert_eq!(
            changes,
            ["= Deployment tm keeps its 2 replicas", "~ Deployment jm spec.replicas: 1 → 1", "+ Service rest"]
        );
    }
}
