//! Reads kind, name, API resource and pod template of an object of any kind.

use kube::{
    ResourceExt,
    core::{ApiResource, DynamicObject, GroupVersionKind},
};
use serde_json::Value;

use crate::api::PerComponent;

pub const DEPLOYMENT: &str = "Deployment";

/// The kind of an object; `object` if it has none.
#[must_use]
pub fn kind_of(object: &DynamicObject) -> &str {
    object.types.as_ref().map_or("object", |types| types.kind.as_str())
}

/// The API group of an object. The core group is empty.
#[must_use]
pub fn group_of(object: &DynamicObject) -> &str {
    let version = object.types.as_ref().map_or("", |types| types.api_version.as_str());
    version.split_once('/').map_or("", |(group, _)| group)
}

/// Whether an object has this kind and this name.
#[must_use]
pub fn is_named(object: &DynamicObject, kind: &str, name: &str) -> bool {
    kind_of(object) == kind && object.metadata.name.as_deref() == Some(name)
}

/// Whether an object is one of the Deployments with these names.
#[must_use]
pub fn is_workload(object: &DynamicObject, deployments: PerComponent<&str>) -> bool {
    deployments.iter().any(|name| is_named(object, DEPLOYMENT, name))
}

/// Whether two objects have the same kind and the same name.
#[must_use]
pub fn same_object(left: &DynamicObject, right: &DynamicObject) -> bool {
    left.types == right.types && left.name_any() == right.name_any()
}

/// Describes an object by kind and name, for messages.
#[must_use]
pub fn describe(object: &DynamicObject) -> String {
    format!("{} {}", kind_of(object), object.name_any())
}

/// The API resource of an object, derived from its kind. None if its `apiVersion` is not valid.
#[must_use]
pub fn api_resource(object: &DynamicObject) -> Option<ApiResource> {
    let types = object.types.clone().unwrap_or_default();
    Some(ApiResource::from_gvk(&GroupVersionKind::try_from(&types).ok()?))
}

/// The pod template of an object, if its kind has one.
#[must_use]
pub fn pod_template(object: &DynamicObject) -> Option<&Value> {
    match kind_of(object) {
        "Pod" => Some(&object.data),
        "CronJob" => object.data.pointer(CRON_JOB_TEMPLATE),
        _ => object.data.pointer(TEMPLATE),
    }
}

/// Like [`pod_template`], for changing it.
#[must_use]
pub fn pod_template_mut(object: &mut DynamicObject) -> Option<&mut Value> {
    match kind_of(object) {
        "Pod" => Some(&mut object.data),
        "CronJob" => object.data.pointer_mut(CRON_JOB_TEMPLATE),
        _ => object.data.pointer_mut(TEMPLATE),
    }
}

const TEMPLATE: &str = "/spec/template";
const CRON_JOB_TEMPLATE: &str = "/spec/jobTemplate/spec/template";
