//! The level "baseline" of the Pod Security Standards, as Kubernetes 1.37 checks it (k8s.io/pod-security-admission 0.37, policy/).
//!
//! The namespace may have no such level, so Lockkeeper checks it before it writes pods with its own rights.

mod host;
mod privileges;
mod profiles;
mod template;

use kube::core::DynamicObject;

use self::template::PodTemplate;
use crate::api::Allowance;

/// Says what in the pods of an object is not allowed.
pub fn violations(object: &DynamicObject, allow: &[Allowance]) -> Vec<String> {
    let Some(pod) = PodTemplate::of(object) else { return Vec::new() };
    let found =
        host::violations(&pod).into_iter().chain(privileges::violations(&pod)).chain(profiles::violations(&pod));
    found
        .filter(|(allowance, _)| !allow.contains(allowance))
        .map(|(allowance, what)| {
            format!("{what}, which the application's allow list does not name ({})", name_of(allowance))
        })
        .collect()
}

fn name_of(allowance: Allowance) -> &'static str {
    match allowance {
        Allowance::HostPath => "hostPath",
        Allowance::Privileged => "privileged",
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use crate::api::Allowance;

    /// Checks a pod spec in each kind that has pods. Returns the violations of one of them.
    pub fn check_pod(spec: &str, annotations: &str, allow: &[Allowance]) -> Vec<String> {
        let template = format!("{{metadata: {{annotations: {annotations}}}, spec: {spec}}}");
        let in_kind = |version: &str, kind: &str, fields: &str| {
            let yaml = format!(
                "apiVersion: {version}\nkind: {kind}\nmetadata: {{name: x, annotations: {annotations}}}\nspec: {fields}\n"
            );
            check(&yaml, allow).into_iter().map(|found| found.replace(kind, "Kind")).collect::<Vec<_>>()
        };
        let found = in_kind("v1", "Pod", spec);
        for (version, kind) in [
            ("apps/v1", "Deployment"),
            ("apps/v1", "StatefulSet"),
            ("apps/v1", "DaemonSet"),
            ("apps/v1", "ReplicaSet"),
            ("v1", "ReplicationController"),
            ("batch/v1", "Job"),
        ] {
            assert_eq!(in_kind(version, kind, &format!("{{template: {template}}}")), found, "{kind}");
        }
        let cron = format!("{{jobTemplate: {{spec: {{template: {template}}}}}}}");
        assert_eq!(in_kind("batch/v1", "CronJob", &cron), found);
        found
    }

    #[test]
    fn pods_of_the_baseline_level_are_accepted() {
        let spec = "{hostNetwork: false, volumes: [{name: a, emptyDir: {}}], securityContext: {runAsUser: 0, seccompProfile: {type: RuntimeDefault}, \
                    sysctls: [{name: net.ipv4.tcp_syncookies, value: '1'}]}, containers: [{name: a, ports: [{containerPort: 80, hostPort: 0}], \
                    securityContext: {privileged: false, procMount: Default, capabilities: {add: [CHOWN], drop: [ALL]}}}]}";
        assert_eq!(
            check_pod(spec, "{container.apparmor.security.beta.kubernetes.io/a: runtime/default}", &[]),
            [""; 0]
        );
    }

    #[test]
    fn each_allowance_permits_its_own_part() {
        let spec = "{hostPID: true, volumes: [{name: a, hostPath: {path: /}}]}";
        assert_eq!(check_pod(spec, "{}", &[]).len(), 2);
        assert!(check_pod(spec, "{}", &[Allowance::HostPath])[0].contains("hostPID"));
        assert!(check_pod(spec, "{}", &[Allowance::Privileged])[0].contains("hostPath"));
        assert_eq!(check_pod(spec, "{}", &[Allowance::HostPath, Allowance::Privileged]), [""; 0]);
    }
}
