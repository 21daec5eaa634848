//! Where a pod template refers to `ConfigMaps` and Secrets, in one place for reading and for rewriting.

use std::collections::{BTreeMap, BTreeSet};

use kube::core::DynamicObject;
use serde_json::Value;

use crate::cluster::kind_of;

/// A kind that a pod template refers to by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Referenced {
    /// A `ConfigMap`.
    ConfigMap,
    /// A Secret.
    Secret,
}

impl Referenced {
    /// The kind of an object; none if it is neither a `ConfigMap` nor a Secret.
    #[must_use]
    pub fn of(object: &DynamicObject) -> Option<Self> {
        match kind_of(object) {
            "ConfigMap" => Some(Self::ConfigMap),
            "Secret" => Some(Self::Secret),
            _ => None,
        }
    }

    /// The kind's name.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
        }
    }
}

/// The `ConfigMaps` and Secrets that a pod template refers to.
#[must_use]
pub fn references(template: &Value) -> BTreeSet<(Referenced, String)> {
    found_in(template, true)
}

/// Those without which its pods do not start: what is referred to as optional alone may be missing.
#[must_use]
pub fn required_references(template: &Value) -> BTreeSet<(Referenced, String)> {
    found_in(template, false)
}

fn found_in(template: &Value, with_optional: bool) -> BTreeSet<(Referenced, String)> {
    let mut found = BTreeSet::new();
    let mut copy = template.clone();
    visit(&mut copy, &mut |kind, name, optional| {
        if with_optional || !optional {
            found.insert((kind, name.clone()));
        }
    });
    found
}

/// Rewrites references of a pod template by a table of (kind, old name) to new name.
pub fn rewrite_references(template: &mut Value, renamed: &BTreeMap<(Referenced, String), String>) {
    visit(template, &mut |kind, name, _| {
        if let Some(new) = renamed.get(&(kind, name.clone())) {
            new.clone_into(name);
        }
    });
}

/// Is shown the kind, the name, and whether the reference is optional.
type See<'a> = dyn FnMut(Referenced, &mut String, bool) + 'a;

/// Visits every reference of a pod template: volumes, projected volumes, `envFrom`, `valueFrom`, `imagePullSecrets`.
fn visit(template: &mut Value, see: &mut See<'_>) {
    let Some(spec) = template.get_mut("spec") else { return };
    for volume in list(spec, "volumes") {
        name_at(volume, "/configMap", "name", Referenced::ConfigMap, see);
        name_at(volume, "/secret", "secretName", Referenced::Secret, see);
        if let Some(projected) = volume.get_mut("projected") {
            for source in list(projected, "sources") {
                name_at(source, "/configMap", "name", Referenced::ConfigMap, see);
                name_at(source, "/secret", "name", Referenced::Secret, see);
            }
        }
    }
    for secret in list(spec, "imagePullSecrets") {
        name_at(secret, "", "name", Referenced::Secret, see);
    }
    for kind in ["initContainers", "containers"] {
        for container in list(spec, kind) {
            for source in list(container, "envFrom") {
                name_at(source, "/configMapRef", "name", Referenced::ConfigMap, see);
                name_at(source, "/secretRef", "name", Referenced::Secret, see);
            }
            for variable in list(container, "env") {
                name_at(variable, "/valueFrom/configMapKeyRef", "name", Referenced::ConfigMap, see);
                name_at(variable, "/valueFrom/secretKeyRef", "name", Referenced::Secret, see);
            }
        }
    }
}

fn list<'a>(parent: &'a mut Value, key: &str) -> impl Iterator<Item = &'a mut Value> {
    parent.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten()
}

fn name_at(parent: &mut Value, pointer: &str, key: &str, kind: Referenced, see: &mut See<'_>) {
    let Some(reference) = parent.pointer_mut(pointer) else { return };
    let optional = reference.get("optional") == Some(&Value::Bool(true));
    if let Some(Value::String(name)) = reference.get_mut(key) {
        see(kind, name, optional);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_refer_is_found() {
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
    fn what_is_optional_everywhere_may_be_missing() {
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
