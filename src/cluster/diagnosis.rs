//! What the pods of a Deployment say is wrong, in words that help.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::ResourceExt;

use super::workload::Workload;
use crate::{api::Time, text::truncate};

/// Trouble that will not go away by waiting, or an exit of the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PodFailure {
    /// The container ended: pod, exit code, reason and how often it was restarted.
    Exited {
        /// Name of the pod.
        pod: String,
        /// Exit code.
        code: i32,
        /// The kubelet's reason, such as `OOMKilled`.
        reason: String,
        /// `restartCount`.
        restarts: i32,
        /// When.
        at: Option<Time>,
    },
    /// The container or pod cannot be made or started.
    CannotStart {
        /// Name of the pod or `ReplicaSet`.
        object: String,
        /// Kubernetes' own reason, such as `ErrImagePull`.
        reason: String,
        /// Kubernetes' own message.
        message: String,
    },
}

impl PodFailure {
    /// One sentence for people.
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

/// The first sure sign of trouble among a workload's live pods and events.
#[must_use]
pub fn pod_failure(workload: &Workload) -> Option<PodFailure> {
    let live: Vec<&Pod> = workload.live_pods().filter(|pod| pod.metadata.deletion_timestamp.is_none()).collect();
    live.iter()
        .find_map(|pod| waiting(pod))
        .or_else(|| live.iter().find_map(|pod| exited(pod)))
        .or_else(|| live.iter().find_map(|pod| unschedulable(pod)))
        .or_else(|| failed_create(workload))
}

fn statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    let status = pod.status.as_ref();
    let init = status.and_then(|status| status.init_container_statuses.as_ref()).into_iter().flatten();
    init.chain(status.and_then(|status| status.container_statuses.as_ref()).into_iter().flatten())
}

fn waiting(pod: &Pod) -> Option<PodFailure> {
    let mut waiting = statuses(pod).filter_map(|status| status.state.as_ref()?.waiting.as_ref());
    let hopeless = waiting
        .find(|waiting| waiting.reason.as_deref().is_some_and(|reason| CANNOT_START_REASONS.contains(&reason)))?;
    Some(PodFailure::CannotStart {
        object: format!("pod {}", pod.name_any()),
        reason: hopeless.reason.clone().unwrap_or_default(),
        message: truncate(hopeless.message.as_deref().unwrap_or("no message"), 300),
    })
}

fn exited(pod: &Pod) -> Option<PodFailure> {
    let status = pod.status.as_ref();
    let init =
        status.and_then(|status| status.init_container_statuses.as_ref()).into_iter().flatten().map(|one| (one, true));
    let main =
        status.and_then(|status| status.container_statuses.as_ref()).into_iter().flatten().map(|one| (one, false));
    init.chain(main).find_map(|(status, is_init)| {
        let now = status.state.as_ref().and_then(|state| state.terminated.as_ref());
        let before = status.last_state.as_ref().and_then(|state| state.terminated.as_ref());
        // An init container is meant to end; only an end with an error is trouble.
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

fn unschedulable(pod: &Pod) -> Option<PodFailure> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let refused = conditions.iter().find(|condition| {
        condition.type_ == "PodScheduled"
            && condition.status == "False"
            && condition.reason.as_deref() == Some("Unschedulable")
    })?;
    Some(PodFailure::CannotStart {
        object: format!("pod {}", pod.name_any()),
        reason: "Unschedulable".to_owned(),
        message: truncate(refused.message.as_deref().unwrap_or("no node takes it"), 300),
    })
}

fn failed_create(workload: &Workload) -> Option<PodFailure> {
    // An old ReplicaSet may carry an old event; only one that should have pods and has none counts.
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
