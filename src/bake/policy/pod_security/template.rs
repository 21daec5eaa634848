//! The parts of a pod template that the rules look at.

use std::collections::BTreeMap;

use kube::{ResourceExt, core::DynamicObject};
use serde_json::Value;

use crate::{
    api::Allowance,
    cluster::{kind_of, pod_template},
};

/// What a pod template asks for beyond the level, and which allowance would permit it.
pub(super) type Violation = (Allowance, String);

/// The pod template of an object of any kind.
pub(super) struct PodTemplate<'a> {
    pub(super) spec: &'a Value,
    pub(super) annotations: BTreeMap<&'a str, &'a str>,
}

impl<'a> PodTemplate<'a> {
    pub(super) fn of(object: &'a DynamicObject) -> Option<Self> {
        let template = pod_template(object)?;
        let annotations = if kind_of(object) == "Pod" {
            object.annotations().iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
        } else {
            let fields = template.pointer("/metadata/annotations").and_then(Value::as_object).into_iter().flatten();
            fields.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect()
        };
        Some(Self { spec: template.get("spec")?, annotations })
    }

    /// The containers of all three kinds, with their names.
    pub(super) fn containers(&self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let spec = self.spec;
        ["initContainers", "containers", "ephemeralContainers"]
            .into_iter()
            .flat_map(move |key| list(spec, key))
            .map(|container| (container.get("name").and_then(Value::as_str).unwrap_or("without a name"), container))
    }

    /// The security contexts of the pod and of its containers, with a name for messages.
    pub(super) fn security_contexts(&self) -> impl Iterator<Item = (String, &'a Value)> {
        let of_containers =
            self.containers().filter_map(|(name, container)| Some((in_container(name), container.get(CONTEXT)?)));
        self.spec.get(CONTEXT).map(|context| ("for the pod".to_owned(), context)).into_iter().chain(of_containers)
    }
}

pub(super) const CONTEXT: &str = "securityContext";

pub(super) fn in_container(name: &str) -> String {
    format!("in container {name}")
}

pub(super) fn list<'a>(parent: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    parent.get(key).and_then(Value::as_array).into_iter().flatten()
}

pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
}

pub(super) fn is_true(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer) == Some(&Value::Bool(true))
}
