//! What a rendered chart may contain. Checked before anything is stopped.

use std::collections::BTreeSet;

use kube::{ResourceExt, core::DynamicObject};
use serde_json::Value;

use crate::{
    api::Allowance,
    cluster::{DEPLOYMENT, is_named, pod_template},
};

/// What a chart is held against.
#[derive(Debug, Clone)]
pub struct PolicyContext<'a> {
    /// The application's namespace: nothing may be rendered outside it.
    pub namespace: &'a str,
    /// Kinds (as `apiVersion/Kind`) that the API server serves in namespaces.
    pub namespaced_kinds: &'a BTreeSet<String>,
    /// What the platform team allows.
    pub allow: &'a [Allowance],
    /// The two Deployments that must be there.
    pub workloads: [&'a str; 2],
}

/// Everything about a rendered chart that is refused, a sentence each.
#[must_use]
pub fn violations(objects: &[DynamicObject], context: &PolicyContext<'_>) -> Vec<String> {
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
            found.extend(privileges(template, context.allow).into_iter().map(|what| format!("{label} {what}")));
        }
    }
    for workload in context.workloads {
        let there = objects.iter().any(|object| is_named(object, DEPLOYMENT, workload));
        if !there {
            found.push(format!("the Deployment {workload}, which the FlinkApplication names, is missing"));
        }
    }
    found
}

fn privileges(template: &Value, allow: &[Allowance]) -> Vec<&'static str> {
    let mut found = Vec::new();
    let Some(spec) = template.get("spec") else { return found };
    let each = |key: &str| spec.get(key).and_then(Value::as_array).into_iter().flatten();
    if !allow.contains(&Allowance::HostPath) && each("volumes").any(|volume| volume.get("hostPath").is_some()) {
        found.push("mounts a hostPath, which the application's allow list does not name (hostPath)");
    }
    let host = ["hostNetwork", "hostPID", "hostIPC"].iter().any(|key| spec.get(*key) == Some(&Value::Bool(true)));
    let containers = || each("containers").chain(each("initContainers"));
    let raised = containers().any(|container| {
        container.pointer("/securityContext/privileged") == Some(&Value::Bool(true))
            || container
                .pointer("/securityContext/capabilities/add")
                .and_then(Value::as_array)
                .is_some_and(|added| !added.is_empty())
    });
    if !allow.contains(&Allowance::Privileged) && (host || raised) {
        found.push("asks for the host's namespaces, privileges or capabilities, which the allow list does not name (privileged)");
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(yaml: &str, allow: &[Allowance]) -> Vec<String> {
        let kinds = ["v1/ConfigMap", "apps/v1/Deployment"].map(str::to_owned).into();
        let context = PolicyContext { namespace: "shop", namespaced_kinds: &kinds, allow, workloads: ["jm", "tm"] };
        let both = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: jm}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: tm}\n---\n";
        violations(&super::super::helm::parse_objects(&format!("{both}{yaml}")).unwrap(), &context)
    }

    #[test]
    fn what_reaches_outside_the_namespace_is_refused() {
        assert!(check("", &[]).is_empty());
        assert_eq!(check("apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n", &[]).len(), 1);
        assert_eq!(check("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: other}\n", &[]).len(), 1);
    }

    #[test]
    fn host_paths_and_privileges_need_the_platform_teams_word() {
        let host = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {template: {spec: {volumes: [{hostPath: {path: /}}]}}}\n";
        assert_eq!(check(host, &[]).len(), 1);
        assert!(check(host, &[Allowance::HostPath]).is_empty());
        let raised = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {template: {spec: {containers: [{securityContext: {privileged: true}}]}}}\n";
        assert_eq!(check(raised, &[Allowance::HostPath]).len(), 1);
    }
}
