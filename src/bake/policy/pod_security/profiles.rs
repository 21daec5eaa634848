//! What confines a container: `AppArmor`, `SELinux`, seccomp and sysctls.

use serde_json::Value;

use super::template::{PodTemplate, Violation, list, text};
use crate::api::Allowance::Privileged;

const APP_ARMOR_ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";

const SE_LINUX_TYPES: [&str; 4] = ["container_t", "container_init_t", "container_kvm_t", "container_engine_t"];

/// What belongs to the pod alone and harms no other pod of the node.
const SYSCTLS: [&str; 14] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_notsent_lowat",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_slow_start_after_idle",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
];

pub(super) fn violations(pod: &PodTemplate<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (place, context) in pod.security_contexts() {
        for (field, what) in [("appArmorProfile", "AppArmor"), ("seccompProfile", "seccomp")] {
            let kind = text(context, &format!("/{field}/type"));
            let kind = kind.filter(|kind| !["RuntimeDefault", "Localhost"].contains(kind));
            found.extend(kind.map(|kind| format!("sets the {what} profile {kind} {place}")));
        }
        let kind = text(context, "/seLinuxOptions/type").filter(|kind| !SE_LINUX_TYPES.contains(kind));
        found.extend(kind.map(|kind| format!("sets the SELinux type {kind} {place}")));
        for field in ["user", "role"] {
            let is_set = text(context, &format!("/seLinuxOptions/{field}")).is_some();
            found.extend(is_set.then(|| format!("sets an SELinux {field} {place}")));
        }
        let names = list(context, "sysctls").filter_map(|sysctl| sysctl.get("name").and_then(Value::as_str));
        let unsafe_names = names.filter(|name| !SYSCTLS.contains(name));
        found.extend(unsafe_names.map(|name| format!("sets the sysctl {name}")));
    }
    for (key, profile) in &pod.annotations {
        let is_default = profile.is_empty() || *profile == "runtime/default" || profile.starts_with("localhost/");
        if key.starts_with(APP_ARMOR_ANNOTATION) && !is_default {
            found.push(format!("sets the AppArmor profile {profile} by annotation"));
        }
    }
    found.into_iter().map(|what| (Privileged, what)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::check_pod;

    #[test]
    fn a_pod_cannot_leave_its_confinement() {
        for context in [
            "{appArmorProfile: {type: Unconfined}}",
            "{seccompProfile: {type: Unconfined}}",
            "{seLinuxOptions: {type: spc_t}}",
            "{seLinuxOptions: {user: root}}",
            "{seLinuxOptions: {role: sysadm_r}}",
        ] {
            for spec in [
                format!("{{securityContext: {context}}}"),
                format!("{{containers: [{{name: a, securityContext: {context}}}]}}"),
                format!("{{ephemeralContainers: [{{name: a, securityContext: {context}}}]}}"),
            ] {
                assert_eq!(check_pod(&spec, "{}", &[]).len(), 1, "{spec}");
            }
        }
        assert_eq!(check_pod("{securityContext: {sysctls: [{name: kernel.msgmax, value: '1'}]}}", "{}", &[]).len(), 1);
        let annotation = "{container.apparmor.security.beta.kubernetes.io/a: unconfined}";
        assert_eq!(check_pod("{containers: [{name: a}]}", annotation, &[]).len(), 1);
    }
}
