//! Which container of a pod runs Flink. Other containers of the pod are sidecars: log shippers, proxies, service meshes.

use k8s_openapi::api::core::v1::{Container, ContainerStatus, Pod};

/// The name of the container that runs Flink's `JobManager` or `TaskManager`; `None` if no container shows it.
#[must_use]
pub fn flink_container(pod: &Pod) -> Option<&str> {
    let containers = &pod.spec.as_ref()?.containers;
    containers.iter().find(|container| runs_flink(container)).map(|container| container.name.as_str())
}

/// Whether a word of a command or of arguments starts a job in application mode: the word of the image's entry point, or Flink's script.
#[must_use]
pub fn is_standalone_job(word: &str) -> bool {
    word == "standalone-job" || word.rsplit('/').next() == Some("standalone-job.sh")
}

/// The statuses of the containers that run Flink. Without a container that shows it, these are all but the init containers.
pub(super) fn flink_statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    let flink = flink_container(pod);
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref()).into_iter().flatten();
    statuses.filter(move |status| flink.is_none_or(|flink| status.name == flink))
}

/// Whether the container that runs Flink has started once, so that the node has its image.
pub(super) fn has_started(pod: &Pod) -> bool {
    flink_statuses(pod)
        .any(|status| status.restart_count > 0 || status.state.as_ref().is_some_and(|state| state.running.is_some()))
}

/// Whether a container starts Flink: by the words of the image's entry point, or by Flink's own scripts.
fn runs_flink(container: &Container) -> bool {
    let program = |word: &String| word.rsplit('/').next().unwrap_or(word).to_owned();
    let lists = || container.command.iter().chain(&container.args);
    let is_job_manager = lists().flatten().any(|word| is_standalone_job(word));
    // Later words of a sidecar may name the component that it serves.
    let is_task_manager = lists()
        .filter_map(|list| list.first())
        .map(program)
        .any(|word| matches!(word.as_str(), "taskmanager" | "taskmanager.sh"));
    is_job_manager || is_task_manager
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(containers: &serde_json::Value) -> Pod {
        serde_json::from_value(json!({"metadata": {"name": "p"}, "spec": {"containers": containers}})).unwrap()
    }

    #[test]
    fn the_flink_container_is_found_beside_sidecars() {
        let sidecar = json!({"name": "shipper", "command": ["sleep", "infinity"]});
        for flink in [
            json!({"name": "main", "args": ["standalone-job", "--job-classname", "C"]}),
            json!({"name": "main", "command": ["/opt/flink/bin/standalone-job.sh"], "args": ["start-foreground"]}),
            json!({"name": "main", "args": ["taskmanager"]}),
            json!({"name": "main", "command": ["/opt/flink/bin/taskmanager.sh", "start-foreground"]}),
        ] {
            assert_eq!(flink_container(&pod(&json!([sidecar, flink]))), Some("main"), "{flink}");
        }
        assert_eq!(flink_container(&pod(&json!([sidecar]))), None);
        let tail = json!({"name": "shipper", "args": ["--role", "taskmanager"]});
        assert_eq!(flink_container(&pod(&json!([tail]))), None, "a sidecar that names the component it serves");
    }
}
