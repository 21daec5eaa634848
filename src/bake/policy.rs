//! Checks what a rendered chart may contain, before a rollout stops anything.

mod own_objects;
mod permissions;
mod pod_security;

use std::collections::BTreeSet;

use kube::{ResourceExt, core::DynamicObject};

use crate::{
    api::{Allowance, PerComponent},
    cluster::{DEPLOYMENT, is_named},
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
        let reasons = own_objects::violations(object).into_iter().chain(permissions::violations(object));
        let reasons = reasons.chain(pod_security::violations(object, context.allow));
        found.extend(reasons.map(|reason| format!("{label} {reason}")));
    }
    for workload in context.workloads.iter() {
        let is_rendered = objects.iter().any(|object| is_named(object, DEPLOYMENT, workload));
        if !is_rendered {
            found.push(format!("the Deployment {workload}, which the FlinkApplication names, is missing"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The violations of a chart that renders both Deployments and these objects, all of a kind that is served.
    pub fn check(yaml: &str, allow: &[Allowance]) -> Vec<String> {
        let both = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: jm}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: tm}\n---\n";
        let objects = super::super::helm::parse_objects(&format!("{both}{yaml}")).unwrap();
        let kinds = objects.iter().filter_map(|object| object.types.as_ref());
        let kinds = kinds.filter(|types| types.kind != "Namespace");
        let kinds = kinds.map(|types| format!("{}/{}", types.api_version, types.kind)).collect();
        let context = PolicyContext {
            namespace: "shop",
            namespaced_kinds: &kinds,
            allow,
            workloads: PerComponent { job_manager: "jm", task_manager: "tm" },
        };
        find_violations(&objects, &context)
    }

    #[test]
    fn objects_outside_the_namespace_are_refused() {
        assert!(check("", &[]).is_empty());
        assert_eq!(check("apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n", &[]).len(), 1);
        assert_eq!(check("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: other}\n", &[]).len(), 1);
    }

    #[test]
    fn a_violation_names_the_object() {
        let found = check("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: orders-1-slack}\n", &[]);
        assert!(found[0].starts_with("ConfigMap orders-1-slack has "), "{found:?}");
    }
}
