//! Rights of a container: privileged mode, capabilities and its view of /proc.

use serde_json::Value;

use super::template::{CONTEXT, PodTemplate, Violation, in_container, is_true, list, text};
use crate::api::Allowance::Privileged;

/// What container runtimes add by default.
const CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

pub(super) fn violations(pod: &PodTemplate<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    // In a user namespace, /proc shows nothing of the node (Kubernetes 1.35 and later).
    let in_user_namespace = pod.spec.get("hostUsers") == Some(&Value::Bool(false));
    for (name, container) in pod.containers() {
        let place = in_container(name);
        let Some(context) = container.get(CONTEXT) else { continue };
        if is_true(context, "/privileged") {
            found.push((Privileged, format!("asks for privileged mode {place}")));
        }
        let added = context.get("capabilities").into_iter().flat_map(|capabilities| list(capabilities, "add"));
        let beyond = added.filter_map(Value::as_str).filter(|capability| !CAPABILITIES.contains(capability));
        found.extend(beyond.map(|capability| (Privileged, format!("adds the capability {capability} {place}"))));
        let mount = text(context, "/procMount").filter(|mount| *mount != "Default" && !in_user_namespace);
        found.extend(mount.map(|mount| (Privileged, format!("sets procMount {mount} {place}"))));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tests::check_pod;

    #[test]
    fn rights_beyond_the_default_are_refused() {
        for context in [
            "{privileged: true}",
            "{capabilities: {add: [NET_ADMIN]}}",
            "{capabilities: {add: [CHOWN, ALL]}}",
            "{capabilities: {add: [CAP_CHOWN]}}",
            "{procMount: Unmasked}",
        ] {
            for list in ["containers", "initContainers", "ephemeralContainers"] {
                let spec = format!("{{{list}: [{{name: a, securityContext: {context}}}]}}");
                assert_eq!(check_pod(&spec, "{}", &[]).len(), 1, "{spec}");
            }
        }
        let unmasked = "containers: [{name: a, securityContext: {procMount: Unmasked}}]";
        assert_eq!(check_pod(&format!("{{hostUsers: false, {unmasked}}}"), "{}", &[]), [""; 0]);
    }
}
