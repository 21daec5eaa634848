//! Finds and rewrites the references of a pod template to `ConfigMaps` and Secrets.

use std::collections::{BTreeMap, BTreeSet};

use kube::core::DynamicObject;
use serde_json::Value;

use crate::cluster::kind_of;

/// A kind that pod templates refer to by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Referenced {
    ConfigMap,
    Secret,
}

impl Referenced {
    /// The kind of an object. None if it is neither a `ConfigMap` nor a Secret.
    #[must_use]
    pub fn of(object: &DynamicObject) -> Option<Self> {
        match kind_of(object) {
            "ConfigMap" => Some(Self::ConfigMap),
            "Secret" => Some(Self::Secret),
            _ => None,
        }
    }

    /// The kind's name in Kubernetes.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
        }
    }
}

/// Finds the `ConfigMaps` and Secrets that a pod template refers to.
#[must_use]
pub fn references(template: &Value) -> BTreeSet<(Referenced, String)> {
    collect_references(template, true)
}

/// Finds the `ConfigMaps` and Secrets that the pods need to start. Leaves out those with optional references only.
#[must_use]
pub fn required_references(template: &Value) -> BTreeSet<(Referenced, String)> {
    collect_references(template, false)
}

fn collect_references(template: &Value, with_optional: bool) -> BTreeSet<(Referenced, String)> {
    let mut found = BTreeSet::new();
    let mut copy = template.clone();
    visit(&mut copy, &mut |kind, name, optional| {
        if with_optional || !optional {
            found.insert((kind, name.clone()));
        }
    });
    found
}

/// Renames references of a pod template. `renamed` maps a kind and an old name to the new name.
pub fn rewrite_references(template: &mut Value, renamed: &BTreeMap<(Referenced, String), String>) {
    visit(template, &mut |kind, name, _| {
        if let Some(new) = renamed.get(&(kind, name.clone())) {
            new.clone_into(name);
        }
    });
}

/// Receives the kind, the name, and whether the reference is optional.
type Visitor<'a> = dyn FnMut(Referenced, &mut String, bool) + 'a;

/// Visits every reference of a pod template: volumes, projected volumes, `envFrom`, `valueFrom`, `imagePullSecrets`.
fn visit(template: &mut Value, visitor: &mut Visitor<'_>) {
    let Some(spec) = template.get_mut("spec") else { return };
    for volume in list(spec, "volumes") {
        visit_name(volume, "/configMap", "name", Referenced::ConfigMap, visitor);
        visit_name(volume, "/secret", "secretName", Referenced::Secret, visitor);
        if let Some(projected) = volume.get_mut("projected") {
            for source in list(projected, "sources") {
                visit_name(source, "/configMap", "name", Referenced::ConfigMap, visitor);
                visit_name(source, "/secret", "name", Referenced::Secret, visitor);
            }
        }
    }
    for secret in list(spec, "imagePullSecrets") {
        visit_name(secret, "", "name", Referenced::Secret, visitor);
    }
    for kind in ["initContainers", "containers"] {
        for container in list(spec, kind) {
            for source in list(container, "envFrom") {
                visit_name(source, "/configMapRef", "name", Referenced::ConfigMap, visitor);
                visit_name(source, "/secretRef", "name", Referenced::Secret, visitor);
            }
            for variable in list(container, "env") {
                visit_name(variable, "/valueFrom/configMapKeyRef", "name", Referenced::ConfigMap, visitor);
                visit_name(variable, "/valueFrom/secretKeyRef", "name", Referenced::Secret, visitor);
            }
        }
    }
}

fn list<'a>(parent: &'a mut Value, key: &str) -> impl Iterator<Item = &'a mut Value> {
    parent.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten()
}

fn visit_name(parent: &mut Value, pointer: &str, key: &str, kind: Referenced, visitor: &mut Visitor<'_>) {
    let Some(reference) = parent.pointer_mut(pointer) else { return };
    let optional = reference.get("optional") == Some(&Value::Bool(true));
    if let Some(Value::String(name)) = reference.get_mut(key) {
        visitor(kind, name, optional);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_reference_is_found() {
        let template = serde_json::json!({"spec": {
            "volumes": [
                {"configMap": {"name": "c1"}}, {"secret": {"secretName": "s1"}},
                {"projected": {"sources": [{"configMap": {"name": "c2"}}, {"secret": {"name": "s2"}}]}},
            ],
            "imagePullSecrets": [{"name": "s3"}],
            "initContainers": [{"envFrom": [{"configMapRef": {"name": "c3"}}]}],
            "containers": [{
                "envFrom": [{"secretRef": {"name": "s4"}}],
                "env": [{"valueFrom": {"configMapKeyRef": {"name": "c4"}}}, {"valueFrom": {"secretKeyRef": {"name": "s5"}}}],
            }],
        }});
        let names: Vec<String> = references(&template).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["c1", "c2", "c3", "c4", "s1", "s2", "s3", "s4", "s5"]);
        assert_eq!(required_references(&template), references(&template));
    }

    #[test]
    fn an_object_with_only_optional_references_is_not_required() {
        let template = serde_json::json!({"spec": {
            "volumes": [
                {"configMap": {"name": "c1", "optional": true}}, {"secret": {"secretName": "s1", "optional": true}},
                {"projected": {"sources": [{"configMap": {"name": "c2", "optional": true}}]}},
                {"configMap": {"name": "both", "optional": false}},
            ],
            "containers": [{
                "envFrom": [{"secretRef": {"name": "s2", "optional": true}}, {"configMapRef": {"name": "both", "optional": true}}],
                "env": [{"valueFrom": {"secretKeyRef": {"name": "s3", "key": "k", "optional": true}}}],
            }],
        }});
        assert_eq!(required_references(&template), BTreeSet::from([(Referenced::ConfigMap, "both".to_owned())]));
        assert_eq!(references(&template).len(), 6);
    }
}
