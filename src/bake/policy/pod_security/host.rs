//! Access to the node: its paths, namespaces, ports and network addresses.

use super::template::{PodTemplate, Violation, in_container, is_true, list, text};
use crate::api::Allowance::{HostPath, Privileged};

pub(super) fn violations(pod: &PodTemplate<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    if list(pod.spec, "volumes").any(|volume| volume.get("hostPath").is_some_and(|path| !path.is_null())) {
        found.push((HostPath, "mounts a hostPath".to_owned()));
    }
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        if is_true(pod.spec, &format!("/{field}")) {
            found.push((Privileged, format!("sets {field}")));
        }
    }
    for (place, context) in pod.security_contexts() {
        if is_true(context, "/windowsOptions/hostProcess") {
            found.push((Privileged, format!("sets hostProcess {place}")));
        }
    }
    for (name, container) in pod.containers() {
        let port = list(container, "ports").filter_map(|port| port.get("hostPort")?.as_i64()).find(|port| *port != 0);
        if let Some(port) = port {
            found.push((Privileged, format!("takes port {port} of the node {}", in_container(name))));
        }
        // A probe of another host lets the kubelet send requests to it (Kubernetes 1.34 and later).
        let handlers = ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle/postStart", "lifecycle/preStop"];
        for handler in handlers {
            if ["httpGet", "tcpSocket"].iter().any(|kind| text(container, &format!("/{handler}/{kind}/host")).is_some())
            {
                found.push((Privileged, format!("names a host in the {handler} {}", in_container(name))));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tests::check_pod;

    #[test]
    fn access_to_the_node_is_refused() {
        for (spec, wanted) in [
            ("{volumes: [{name: a, hostPath: {path: /}}]}", "mounts a hostPath"),
            ("{hostNetwork: true}", "hostNetwork"),
            ("{hostPID: true}", "hostPID"),
            ("{hostIPC: true}", "hostIPC"),
            ("{securityContext: {windowsOptions: {hostProcess: true}}}", "hostProcess for the pod"),
            (
                "{containers: [{name: a, securityContext: {windowsOptions: {hostProcess: true}}}]}",
                "hostProcess in container a",
            ),
            ("{containers: [{name: a, ports: [{hostPort: 80}]}]}", "port 80"),
            ("{initContainers: [{name: a, ports: [{hostPort: 80}]}]}", "port 80"),
            ("{ephemeralContainers: [{name: a, ports: [{hostPort: 80}]}]}", "port 80"),
            ("{containers: [{name: a, livenessProbe: {httpGet: {host: 10.0.0.1}}}]}", "host in the livenessProbe"),
            ("{containers: [{name: a, startupProbe: {tcpSocket: {host: 10.0.0.1}}}]}", "host in the startupProbe"),
            (
                "{initContainers: [{name: a, lifecycle: {preStop: {httpGet: {host: 10.0.0.1}}}}]}",
                "host in the lifecycle/preStop",
            ),
        ] {
            let found = check_pod(spec, "{}", &[]);
            assert!(found.len() == 1 && found[0].contains(wanted), "{spec}: {found:?}");
        }
    }
}
