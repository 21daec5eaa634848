//! Finds out why the pods of a Deployment fail, and explains it to people.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::ResourceExt;

use super::{containers::flink_statuses, workload::Workload};
use crate::{api::Time, text::truncate};

/// A failure that waiting does not repair, or an exit of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PodFailure {
    Exited {
        pod: String,
        code: i32,
        /// The kubelet's reason, such as `OOMKilled`.
        reason: String,
        restarts: i32,
        at: Option<Time>,
    },
    /// A pod cannot be created, or its container cannot be started.
    CannotStart {
        /// The pod or `ReplicaSet`, in words for people.
        object: String,
        /// Kubernetes' own reason, such as `ErrImagePull`.
        reason: String,
        message: String,
    },
}

impl PodFailure {
    /// Describes the failure to people.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Exited { pod, code, reason, restarts, .. } => {
                let meaning = match code {
                    0 => " (the job FINISHED or was CANCELED, although a running application was deployed)",
                    2 => " (Flink could not start the job: its state does not fit, or main() failed)",
                    137 => " (killed, usually out of memory)",
                    163 => " (the job failed for good)",
                    _ => "",
                };
                let reason = if reason.is_empty() || reason == "Error" { String::new() } else { format!(", {reason}") };
                format!("pod {pod} ended with exit code {code}{meaning}{reason}, restarted {restarts} times")
            }
            Self::CannotStart { object, reason, message } => format!("{object} cannot start: {reason}: {message}"),
        }
    }
}

const CANNOT_START_REASONS: [&str; 8] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "ImageInspectError",
];

/// Finds the first definite failure in a workload's live pods and events.
#[must_use]
pub fn pod_failure(workload: &Workload) -> Option<PodFailure> {
    let live: Vec<&Pod> = workload.live_pods().filter(|pod| pod.metadata.deletion_timestamp.is_none()).collect();
    live.iter()
        .find_map(|pod| find_waiting(pod))
        .or_else(|| live.iter().find_map(|pod| find_exit(pod)))
        .or_else(|| find_failed_create(workload))
}

fn init_statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    pod.status.as_ref().and_then(|status| status.init_container_statuses.as_ref()).into_iter().flatten()
}

fn find_waiting(pod: &Pod) -> Option<PodFailure> {
    let statuses = init_statuses(pod).chain(flink_statuses(pod));
    let mut waiting = statuses.filter_map(|status| status.state.as_ref()?.waiting.as_ref());
    let blocked = waiting
        .find(|waiting| waiting.reason.as_deref().is_some_and(|reason| CANNOT_START_REASONS.contains(&reason)))?;
    Some(PodFailure::CannotStart {
        object: format!("pod {}", pod.name_any()),
        reason: blocked.reason.clone().unwrap_or_default(),
        message: truncate(blocked.message.as_deref().unwrap_or("no message"), 300),
    })
}

fn find_exit(pod: &Pod) -> Option<PodFailure> {
    let init = init_statuses(pod).map(|status| (status, true));
    // A sidecar that ends says nothing about the job.
    let main = flink_statuses(pod).map(|status| (status, false));
    init.chain(main).find_map(|(status, is_init)| {
        let now = status.state.as_ref().and_then(|state| state.terminated.as_ref());
        let before = status.last_state.as_ref().and_then(|state| state.terminated.as_ref());
        // An init container ends when it succeeds. Only its end with an error is a failure.
        let end = now.or(before).filter(|end| !is_init || end.exit_code != 0)?;
        Some(PodFailure::Exited {
            pod: pod.name_any(),
            code: end.exit_code,
            reason: end.reason.clone().unwrap_or_default(),
            restarts: status.restart_count,
            at: end.finished_at.clone(),
        })
    })
}

/// What a pod of the workload waits for that can come by itself: a node, which an autoscaler brings or an administrator uncordons.
#[must_use]
pub fn pod_wait(workload: &Workload) -> Option<String> {
    workload.live_pods().filter(|pod| pod.metadata.deletion_timestamp.is_none()).find_map(wait_for_node)
}

fn wait_for_node(pod: &Pod) -> Option<String> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let condition = conditions.iter().find(|condition| {
        condition.type_ == "PodScheduled"
            && condition.status == "False"
            && condition.reason.as_deref() == Some("Unschedulable")
    })?;
    let why = truncate(condition.message.as_deref().unwrap_or("no node accepts it"), 300);
    Some(format!("pod {} waits for a node: {why}", pod.name_any()))
}

fn find_failed_create(workload: &Workload) -> Option<PodFailure> {
    // An old ReplicaSet may have an old event. Only a ReplicaSet that should have pods and has none counts.
    let mut starving = workload.replica_sets.iter().filter(|set| {
        let wanted = set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(0);
        wanted > 0 && set.status.as_ref().is_none_or(|status| status.replicas == 0)
    });
    starving
        .find_map(|set| {
            let uid = set.uid();
            workload
                .warnings
                .iter()
                .find(|event| event.involved_object.uid == uid && event.reason.as_deref() == Some("FailedCreate"))
        })
        .map(|event| PodFailure::CannotStart {
            object: event.involved_object.name.clone().unwrap_or_default(),
            reason: "FailedCreate".to_owned(),
            message: truncate(event.message.as_deref().unwrap_or("no message"), 300),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_end_of_the_flink_container_is_a_failure() {
        let ended = |name: &str| -> Workload {
            let status = |container: &str| {
                let state =
                    if container == name { json!({"terminated": {"exitCode": 137}}) } else { json!({"running": {}}) };
                json!({"name": container, "image": "i", "imageID": "i", "ready": true, "restartCount": 0, "state": state})
            };
            let pod = serde_json::from_value(json!({
                "metadata": {"name": "jm-1"},
                "spec": {"containers": [{"name": "shipper", "command": ["sleep"]}, {"name": "main", "args": ["standalone-job"]}]},
                "status": {"phase": "Running", "containerStatuses": [status("shipper"), status("main")]},
            }));
            Workload { pods: vec![pod.unwrap()], ..Workload::default() }
        };
        assert!(matches!(pod_failure(&ended("main")), Some(PodFailure::Exited { code: 137, .. })));
        assert_eq!(pod_failure(&ended("shipper")), None, "a sidecar ended");
    }

    #[test]
    fn a_pod_that_no_node_accepts_waits_and_has_not_failed() {
        let pod = serde_json::from_value(json!({
            "metadata": {"name": "tm-1"},
            "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                "message": "0/1 nodes are available: 1 node(s) were unschedulable."}]},
        }));
        let workload = Workload { pods: vec![pod.unwrap()], ..Workload::default() };
        assert_eq!(pod_failure(&workload), None);
        let wait = pod_wait(&workload).unwrap();
        assert_eq!(wait, "pod tm-1 waits for a node: 0/1 nodes are available: 1 node(s) were unschedulable.");
    }
}
