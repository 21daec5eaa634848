//! Which container of a pod runs Flink. Other containers of the pod are sidecars: log shippers, proxies, service meshes.

use k8s_openapi::api::core::v1::{Container, Pod};

/// The name of the container that runs Flink's `JobManager` or `TaskManager`; `None` if no container shows it.
#[must_use]
pub fn flink_container(pod: &Pod) -> Option<&str> {
    let containers = &pod.spec.as_ref()?.containers;
    containers.iter().find(|container| runs_flink(container)).map(|container| container.name.as_str())
}

/// Whether a container starts Flink: by the words of the image's entry point, or by Flink's own scripts.
fn runs_flink(container: &Container) -> bool {
    let words = container.command.iter().chain(&container.args).flatten();
    let programs = words.map(|word| word.rsplit('/').next().unwrap_or(word));
    programs
        .into_iter()
        .any(|word| matches!(word, "standalone-job" | "standalone-job.sh" | "taskmanager" | "taskmanager.sh"))
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
    }
}
