//! Checks what a rendered chart may contain, before a rollout stops anything.

use std::collections::BTreeSet;

use kube::{ResourceExt, core::DynamicObject};
use serde_json::Value;

use crate::{
    api::{Allowance, PerComponent},
    cluster::{DEPLOYMENT, is_named, pod_template},
};

/// The limits for the objects of a chart.
#[derive(Debug, Clone)]
pub struct PolicyContext<'a> {
    /// The application's namespace. All objects must be in it.
    pub namespace: &'a str,
    /// The namespaced kinds that the API server serves, as `apiVersion/Kind`.
    pub namespaced_kinds: &'a BTreeSet<String>,
    /// The privileges that the platform team allows.
    pub allow: &'a [Allowance],
    /// Names of the two Deployments that the chart must contain.
    pub workloads: PerComponent<&'a str>,
}

/// Lists everything that is not allowed in a rendered chart, one sentence each.
#[must_use]
pub fn find_violations(objects: &[DynamicObject], context: &PolicyContext<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for object in objects {
        let types = object.types.clone().unwrap_or_default();
        let label = format!("{} {}", types.kind, object.name_any());
        if !seen.insert(format!("{}/{label}", types.api_version)) {
            found.push(format!("{label} is rendered twice"));
        }
        if !context.namespaced_kinds.contains(&format!("{}/{}", types.api_version, types.kind)) {
            found.push(format!(
                "{label} is cluster-scoped, or of a kind ({}) that the API server does not serve",
                types.api_version
            ));
        }
        if object.metadata.namespace.as_deref().is_some_and(|namespace| namespace != context.namespace) {
            found.push(format!("{label} is rendered for another namespace than {}", context.namespace));
        }
        if let Some(template) = pod_template(object) {
            found.extend(
                find_privileges(template, context.allow).into_iter().map(|privilege| format!("{label} {privilege}")),
            );
        }
    }
    for workload in context.workloads.iter() {
        let is_rendered = objects.iter().any(|object| is_named(object, DEPLOYMENT, workload));
        if !is_rendered {
            found.push(format!("the Deployment {workload}, which the FlinkApplication names, is missing"));
        }
    }
    found
}

fn find_privileges(template: &Value, allow: &[Allowance]) -> Vec<&'static str> {
    let mut found = Vec::new();
    let Some(spec) = template.get("spec") else { return found };
    let each = |key: &str| spec.get(key).and_then(Value::as_array).into_iter().flatten();
    if !allow.contains(&Allowance::HostPath) && each("volumes").any(|volume| volume.get("hostPath").is_some()) {
        found.push("mounts a hostPath, which the application's allow list does not name (hostPath)");
    }
    let uses_host = ["hostNetwork", "hostPID", "hostIPC"].iter().any(|key| spec.get(*key) == Some(&Value::Bool(true)));
    let containers = || each("containers").chain(each("initContainers"));
    let is_privileged = containers().any(|container| {
        container.pointer("/securityContext/privileged") == Some(&Value::Bool(true))
            || container
                .pointer("/securityContext/capabilities/add")
                .and_then(Value::as_array)
                .is_some_and(|added| !added.is_empty())
    });
    if !allow.contains(&Allowance::Privileged) && (uses_host || is_privileged) {
        found.push("asks for the host's namespaces, privileges or capabilities, which the allow list does not name (privileged)");
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(yaml: &str, allow: &[Allowance]) -> Vec<String> {
        let kinds = ["v1/ConfigMap", "apps/v1/Deployment"].map(str::to_owned).into();
        let context = PolicyContext {
            namespace: "shop",
            namespaced_kinds: &kinds,
            allow,
            workloads: PerComponent { job_manager: "jm", task_manager: "tm" },
        };
        let both = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: jm}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: tm}\n---\n";
        find_violations(&super::super::helm::parse_objects(&format!("{both}{yaml}")).unwrap(), &context)
    }

    #[test]
    fn objects_outside_the_namespace_are_refused() {
        assert!(check("", &[]).is_empty());
        assert_eq!(check("apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n", &[]).len(), 1);
        assert_eq!(check("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: other}\n", &[]).len(), 1);
    }

    #[test]
    fn host_paths_and_privileges_need_the_allow_list() {
        let host = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {template: {spec: {volumes: [{hostPath: {path: /}}]}}}\n";
        assert_eq!(check(host, &[]).len(), 1);
        assert!(check(host, &[Allowance::HostPath]).is_empty());
        let raised = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {template: {spec: {containers: [{securityContext: {privileged: true}}]}}}\n";
        assert_eq!(check(raised, &[Allowance::HostPath]).len(), 1);
    }
}
