//! Finds out what is wrong with the pods of a Deployment, and explains it to people.

use k8s_openapi::api::core::v1::{ContainerStateWaiting, ContainerStatus, Pod};
use kube::ResourceExt;

use super::{
    containers::{flink_container, flink_statuses, has_started},
    image_pull::is_missing_image,
    workload::Workload,
};
use crate::{api::Time, text::truncate};

/// The end of a container that runs Flink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerEnd {
    pub pod: String,
    pub code: i32,
    /// The kubelet's reason, such as `OOMKilled`.
    pub reason: String,
    /// How often the kubelet started the container again.
    pub restarts: i32,
    /// How often the container of this pod ended.
    pub count: u32,
    pub at: Option<Time>,
}

impl ContainerEnd {
    /// Describes the end to people.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { pod, code, reason, restarts, .. } = self;
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
}

/// What keeps a pod from running, or happened to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodSign {
    /// No node accepts the pod. An autoscaler may bring one, or an administrator uncordons one.
    NoNode,
    /// The `ReplicaSet` cannot create its pods, for example because of a quota.
    NotCreated,
    /// The registry says that there is no such image.
    ImageMissing,
    /// The image could not be pulled for another reason. The kubelet tries again.
    ImageNotPulled,
    /// A `ConfigMap`, a Secret or a volume is not as the pod needs it. The kubelet tries again.
    NotConfigured,
    /// An init container ended with an error. The kubelet starts it again.
    InitContainerEnded,
    /// A container that does not run Flink ended.
    SidecarEnded,
}

/// Whether Flink itself ends with this exit code after a failure. Codes above 128 come from whoever killed the container, except 163.
#[must_use]
pub fn is_end_by_flink(code: i32) -> bool {
    matches!(code, 1 | 2 | 163)
}

/// The newest end of a container of the workload that runs Flink, in a pod that is not being deleted.
#[must_use]
pub fn find_end(workload: &Workload) -> Option<ContainerEnd> {
    workload.staying_pods().find_map(|pod| {
        flink_statuses(pod).find_map(|status| {
            let now = status.state.as_ref().and_then(|state| state.terminated.as_ref());
            let before = status.last_state.as_ref().and_then(|state| state.terminated.as_ref());
            let end = now.or(before)?;
            let earlier = u32::try_from(status.restart_count).unwrap_or_default();
            Some(ContainerEnd {
                pod: pod.name_any(),
                code: end.exit_code,
                reason: end.reason.clone().unwrap_or_default(),
                restarts: status.restart_count,
                count: earlier + u32::from(now.is_some()),
                at: end.finished_at.clone(),
            })
        })
    })
}

/// The signs of a workload's pods and events, each with a sentence for people.
#[must_use]
pub fn pod_signs(workload: &Workload) -> Vec<(PodSign, String)> {
    let mut signs: Vec<(PodSign, String)> = workload.staying_pods().flat_map(signs_of_pod).collect();
    signs.extend(find_failed_create(workload));
    // One node may have a bad mirror. An image is missing only if no pod gets it.
    let missing = signs.iter().filter(|(sign, _)| *sign == PodSign::ImageMissing).count();
    if missing < workload.staying_pods().count() || has_started_pod(workload) {
        for (sign, _) in &mut signs {
            if *sign == PodSign::ImageMissing {
                *sign = PodSign::ImageNotPulled;
            }
        }
    }
    signs
}

/// Whether the Flink container of a pod has started, so that its node has the image.
#[must_use]
pub fn has_started_pod(workload: &Workload) -> bool {
    workload.staying_pods().any(has_started)
}

fn signs_of_pod(pod: &Pod) -> Vec<(PodSign, String)> {
    let name = pod.name_any();
    let mut signs: Vec<(PodSign, String)> = find_no_node(pod).into_iter().collect();
    let status = pod.status.as_ref();
    let init = || status.and_then(|status| status.init_container_statuses.as_ref()).into_iter().flatten();
    let others = status.and_then(|status| status.container_statuses.as_ref()).into_iter().flatten();
    let flink = flink_container(pod);
    let sidecars = others.filter(|status| flink.is_some_and(|flink| status.name != flink));
    for container in init().chain(flink_statuses(pod)) {
        let waiting = container.state.as_ref().and_then(|state| state.waiting.as_ref());
        signs.extend(waiting.and_then(|waiting| sign_of_waiting(&name, waiting)));
    }
    signs.extend(init().filter_map(error_code).map(|(container, code)| {
        let text = format!("pod {name} waits for its init container {container}, which ended with exit code {code}");
        (PodSign::InitContainerEnded, text)
    }));
    signs.extend(sidecars.filter_map(end_code).map(|(container, code)| {
        (PodSign::SidecarEnded, format!("the sidecar {container} of pod {name} ended with exit code {code}"))
    }));
    signs
}

fn sign_of_waiting(pod: &str, waiting: &ContainerStateWaiting) -> Option<(PodSign, String)> {
    let reason = waiting.reason.as_deref()?;
    let message = waiting.message.as_deref().unwrap_or("no message");
    let sign = match reason {
        "InvalidImageName" | "ErrImageNeverPull" => PodSign::ImageMissing,
        "ErrImagePull" | "ImagePullBackOff" | "ImageInspectError" | "RegistryUnavailable" => {
            if is_missing_image(message) { PodSign::ImageMissing } else { PodSign::ImageNotPulled }
        }
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => PodSign::NotConfigured,
        _ => return None,
    };
    let what = match sign {
        PodSign::ImageMissing => "cannot start",
        PodSign::ImageNotPulled => "waits for its image",
        _ => "waits for its configuration",
    };
    Some((sign, format!("pod {pod} {what}: {reason}: {}", truncate(message, 300))))
}

/// An init container that ended with an error and has not succeeded since.
fn error_code(status: &ContainerStatus) -> Option<(&str, i32)> {
    let now = status.state.as_ref()?;
    let ended = match (&now.terminated, &now.waiting) {
        (Some(ended), _) => Some(ended),
        (None, Some(_)) => status.last_state.as_ref().and_then(|state| state.terminated.as_ref()),
        (None, None) => None,
    }?;
    (ended.exit_code != 0).then_some((status.name.as_str(), ended.exit_code))
}

fn end_code(status: &ContainerStatus) -> Option<(&str, i32)> {
    let ended = status.state.as_ref()?.terminated.as_ref()?;
    Some((status.name.as_str(), ended.exit_code))
}

fn find_no_node(pod: &Pod) -> Option<(PodSign, String)> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let condition = conditions.iter().find(|condition| {
        condition.type_ == "PodScheduled"
            && condition.status == "False"
            && condition.reason.as_deref() == Some("Unschedulable")
    })?;
    let why = truncate(condition.message.as_deref().unwrap_or("no node accepts it"), 300);
    Some((PodSign::NoNode, format!("pod {} waits for a node: {why}", pod.name_any())))
}

fn find_failed_create(workload: &Workload) -> Option<(PodSign, String)> {
    // An old ReplicaSet may have an old event. Only a ReplicaSet that should have pods and has none counts.
    let mut starving = workload.replica_sets.iter().filter(|set| {
        let wanted = set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(0);
        wanted > 0 && set.status.as_ref().is_none_or(|status| status.replicas == 0)
    });
    let event = starving.find_map(|set| {
        let uid = set.uid();
        workload
            .warnings
            .iter()
            .find(|event| event.involved_object.uid == uid && event.reason.as_deref() == Some("FailedCreate"))
    })?;
    let set = event.involved_object.name.clone().unwrap_or_default();
    let why = truncate(event.message.as_deref().unwrap_or("no message"), 300);
    Some((PodSign::NotCreated, format!("{set} cannot create its pods yet: FailedCreate: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn workload(pods: &[Value]) -> Workload {
        Workload {
            pods: pods.iter().map(|pod| serde_json::from_value(pod.clone()).unwrap()).collect(),
            ..Workload::default()
        }
    }

    fn pod(name: &str, states: &[(&str, Value)]) -> Value {
        let statuses: Vec<Value> = states
            .iter()
            .map(|(container, state)| json!({"name": container, "image": "i", "imageID": "i", "ready": true, "restartCount": 0, "state": state}))
            .collect();
        json!({
            "metadata": {"name": name},
            "spec": {"containers": [{"name": "shipper", "command": ["sleep"]}, {"name": "main", "args": ["standalone-job"]}]},
            "status": {"phase": "Running", "containerStatuses": statuses},
        })
    }

    fn waiting(reason: &str, message: &str) -> Value {
        json!({"waiting": {"reason": reason, "message": message}})
    }

    #[test]
    fn only_the_end_of_the_flink_container_is_an_end() {
        let running = json!({"running": {}});
        let ended = json!({"terminated": {"exitCode": 137}});
        let main = workload(&[pod("jm-1", &[("shipper", running.clone()), ("main", ended.clone())])]);
        let end = find_end(&main).unwrap();
        assert_eq!((end.code, end.count), (137, 1));
        let shipper = workload(&[pod("jm-1", &[("shipper", ended), ("main", running)])]);
        assert_eq!(find_end(&shipper), None);
        let text = "the sidecar shipper of pod jm-1 ended with exit code 137".to_owned();
        assert_eq!(pod_signs(&shipper), [(PodSign::SidecarEnded, text)]);
    }

    #[test]
    fn a_pod_that_no_node_accepts_waits_for_one() {
        let pod = json!({
            "metadata": {"name": "tm-1"},
            "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                "message": "0/1 nodes are available: 1 node(s) were unschedulable."}]},
        });
        let signs = pod_signs(&workload(&[pod]));
        let text = "pod tm-1 waits for a node: 0/1 nodes are available: 1 node(s) were unschedulable.".to_owned();
        assert_eq!(signs, [(PodSign::NoNode, text)]);
    }

    #[test]
    fn an_image_is_missing_only_if_the_registry_says_so_to_every_pod() {
        let missing = waiting("ErrImagePull", "failed to resolve reference \"r/orders:1\": r/orders:1: not found");
        let limited = waiting("ImagePullBackOff", "unexpected status: 429 Too Many Requests");
        let sign = |pods: &[Value]| pod_signs(&workload(pods)).first().map(|(sign, _)| *sign);
        assert_eq!(sign(&[pod("tm-1", &[("main", missing.clone())])]), Some(PodSign::ImageMissing));
        assert_eq!(sign(&[pod("tm-1", &[("main", limited)])]), Some(PodSign::ImageNotPulled));
        let others_still_pull =
            [pod("tm-1", &[("main", missing.clone())]), pod("tm-2", &[("main", waiting("ContainerCreating", ""))])];
        assert_eq!(sign(&others_still_pull), Some(PodSign::ImageNotPulled));
        let one_bad_node = [pod("tm-1", &[("main", missing)]), pod("tm-2", &[("main", json!({"running": {}}))])];
        assert_eq!(sign(&one_bad_node), Some(PodSign::ImageNotPulled));
        let config = waiting("CreateContainerConfigError", "secret \"x\" not found");
        assert_eq!(sign(&[pod("tm-1", &[("main", config)])]), Some(PodSign::NotConfigured));
    }

    #[test]
    fn an_init_container_that_succeeded_is_no_sign() {
        let with_init = |state: Value, last: Value| {
            let mut pod = pod("jm-1", &[("main", waiting("PodInitializing", ""))]);
            pod["status"]["initContainerStatuses"] = json!([{"name": "prepare", "image": "i", "imageID": "i", "ready": false,
                "restartCount": 1, "state": state, "lastState": last}]);
            pod_signs(&workload(&[pod])).first().map(|(sign, _)| *sign)
        };
        let failed = json!({"terminated": {"exitCode": 1}});
        assert_eq!(with_init(failed.clone(), json!({})), Some(PodSign::InitContainerEnded));
        assert_eq!(
            with_init(waiting("CrashLoopBackOff", "back-off"), failed.clone()),
            Some(PodSign::InitContainerEnded)
        );
        assert_eq!(with_init(json!({"terminated": {"exitCode": 0}}), failed), None);
    }
}
