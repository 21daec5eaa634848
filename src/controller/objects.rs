//! Builds what is written from revision records and live objects.

use std::collections::BTreeMap;

use k8s_openapi::api::{
    apps::v1::{Deployment, DeploymentSpec},
    core::v1::PodTemplateSpec,
};
use kube::{ResourceExt, core::DynamicObject};
use serde_json::Value;
use thiserror::Error;

use super::effect_error::EffectError;
use crate::{
    api::{
        APPLICATION_LABEL, Component, Direction, PREVIOUS_REPLICAS_ANNOTATION, PREVIOUS_REPLICASET_ANNOTATION,
        PerComponent, RESTORE_POINT_ANNOTATION, ROLLOUT_ANNOTATION, WorkloadSnapshot,
    },
    bake::{ArgumentError, BASE_NAME_ANNOTATION, Referenced, Start, rewrite_references, set_start},
    cluster::{DEPLOYMENT, Workload, is_workload, kind_of, pod_template, same_object},
    record::RevisionRecord,
    rollout::World,
};

pub(super) fn as_dynamic<K: serde::Serialize>(object: &K) -> Result<DynamicObject, EffectError> {
    let value = serde_json::to_value(object).map_err(|error| EffectError::refused(error.to_string()))?;
    serde_json::from_value(value).map_err(|error| EffectError::refused(error.to_string()))
}

/// Removes what the API server or kubectl added to an object.
pub(super) fn without_server_fields(object: &DynamicObject) -> DynamicObject {
    let mut clean = object.clone();
    let keep = |map: &BTreeMap<String, String>| {
        let server_made = |key: &str| {
            key.starts_with("deployment.kubernetes.io/") || key == "kubectl.kubernetes.io/last-applied-configuration"
        };
        map.iter().filter(|(key, _)| !server_made(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    clean.metadata = kube::api::ObjectMeta {
        name: object.metadata.name.clone(),
        namespace: object.metadata.namespace.clone(),
        labels: object.metadata.labels.clone(),
        annotations: object.metadata.annotations.as_ref().map(keep),
        ..Default::default()
    };
    if let Value::Object(fields) = &mut clean.data {
        fields.remove("status");
    }
    clean
}

pub(super) fn is_versioned(object: &DynamicObject) -> bool {
    object.annotations().contains_key(BASE_NAME_ANNOTATION)
}

/// The objects that only the first revision has. Versioned objects and the two Deployments do not count.
pub(super) fn only_in<'a>(
    record: &'a RevisionRecord,
    other: &'a RevisionRecord,
    workloads: PerComponent<&'a str>,
) -> impl Iterator<Item = &'a DynamicObject> {
    record.objects.iter().filter(move |object| {
        !is_versioned(object)
            && !is_workload(object, workloads)
            && !other.objects.iter().any(|theirs| same_object(theirs, object))
    })
}

/// No rollout deletes these kinds, because they hold data.
pub(super) fn holds_data(object: &DynamicObject) -> bool {
    matches!(kind_of(object), "PersistentVolumeClaim" | "Namespace")
}

/// Clients know these objects by an address, and a new object with the same name gets another one.
pub(super) fn has_address(object: &DynamicObject) -> bool {
    matches!(kind_of(object), "Service" | "Ingress" | "Gateway")
}

#[derive(Debug, Error)]
pub(super) enum DeploymentError {
    #[error("the plan is gone")]
    NoPlan,
    #[error("the revision record has no Deployment {name}")]
    NotInRecord { name: String },
    #[error("Deployment {name} has no pod template")]
    NoTemplate { name: String },
    #[error("Deployment {name} of the revision record cannot be read")]
    Malformed { name: String, source: serde_json::Error },
    #[error(transparent)]
    Arguments(#[from] ArgumentError),
}

impl From<DeploymentError> for EffectError {
    fn from(error: DeploymentError) -> Self {
        match &error {
            DeploymentError::Malformed { source, .. } => Self::refused(format!("{error}: {source}")),
            _ => Self::refused(error.to_string()),
        }
    }
}

/// Builds what is written to one Deployment: the revision's spec and labels. Live annotations and the live replica count stay.
pub(super) fn build_deployment(
    world: &World,
    record: &RevisionRecord,
    component: Component,
    start: &Start,
) -> Result<Deployment, DeploymentError> {
    let status = world.status();
    let plan = status.plan.as_ref().ok_or(DeploymentError::NoPlan)?;
    let name = plan.settings.deployments.get(component);
    let live = world.workloads.get(component);
    let snapshot = plan.current.as_ref().map(|current| current.workloads.get(component));
    let baked = record.object(DEPLOYMENT, name).ok_or_else(|| DeploymentError::NotInRecord { name: name.clone() })?;
    let mut template = template_of(baked)?;
    if status.direction == Direction::Back
        && let Some(restored) = snapshot.and_then(|snapshot| template_of_replica_set(live, snapshot, record))
    {
        template = restored;
    }
    if component == Component::JobManager {
        set_start(&mut template, start)?;
    }
    let mut written = merge_live(baked, live.deployment.as_ref(), template)?;
    let annotations = written.annotations_mut();
    annotations.insert(ROLLOUT_ANNOTATION.to_owned(), world.rollout.name_any());
    if let Some(point) = &status.restore_point {
        annotations.insert(RESTORE_POINT_ANNOTATION.to_owned(), point.path.to_string());
    }
    if let Some(snapshot) = snapshot {
        annotations.insert(PREVIOUS_REPLICAS_ANNOTATION.to_owned(), snapshot.replicas.to_string());
        annotations.insert(PREVIOUS_REPLICASET_ANNOTATION.to_owned(), snapshot.replica_set.clone().unwrap_or_default());
    }
    written.labels_mut().insert(APPLICATION_LABEL.to_owned(), record.application.clone());
    Ok(written)
}

/// A record of the two live Deployments alone, if the ReplicaSets are there that Plan named. Only their templates are used.
pub(super) fn record_live_workloads(world: &World) -> Option<RevisionRecord> {
    let plan = world.plan()?;
    let current = plan.current.as_ref()?;
    let objects = world.workloads.iter().zip(current.workloads.iter()).map(|(live, snapshot)| {
        live.replica_set(snapshot.replica_set_uid.as_deref()?)?;
        as_dynamic(live.deployment.as_ref()?).ok().map(|object| without_server_fields(&object))
    });
    Some(RevisionRecord {
        application: world.rollout.spec.request.application.clone(),
        revision: plan.previous_revision?,
        rollout_uid: world.uid(),
        version: plan.from_version.clone().unwrap_or_default(),
        task_manager_replicas: current.workloads.task_manager.replicas,
        objects: objects.collect::<Option<_>>()?,
    })
}

fn template_of(object: &DynamicObject) -> Result<Value, DeploymentError> {
    pod_template(object).cloned().ok_or_else(|| DeploymentError::NoTemplate { name: object.name_any() })
}

/// The template of the `ReplicaSet` that Plan named. It mounts the record's copies of `ConfigMaps` and Secrets.
fn template_of_replica_set(live: &Workload, snapshot: &WorkloadSnapshot, record: &RevisionRecord) -> Option<Value> {
    let set = live.replica_set(snapshot.replica_set_uid.as_deref()?)?;
    let mut template: PodTemplateSpec = set.spec.as_ref()?.template.clone()?;
    if let Some(labels) = template.metadata.as_mut().and_then(|metadata| metadata.labels.as_mut()) {
        labels.remove("pod-template-hash");
    }
    let mut value = serde_json::to_value(template).ok()?;
    rewrite_references(&mut value, &copies_by_base_name(record));
    Some(value)
}

/// Maps the name in the chart to the versioned name in this record.
pub(super) fn copies_by_base_name(record: &RevisionRecord) -> BTreeMap<(Referenced, String), String> {
    let versioned = record.objects.iter().filter(|object| is_versioned(object));
    versioned
        .filter_map(|object| {
            Some((
                (Referenced::of(object)?, object.annotations().get(BASE_NAME_ANNOTATION)?.clone()),
                object.name_any(),
            ))
        })
        .collect()
}

fn merge_live(
    baked: &DynamicObject,
    live: Option<&Deployment>,
    template: Value,
) -> Result<Deployment, DeploymentError> {
    let name = baked.name_any();
    let mut data = baked.data.clone();
    if let Some(place) = data.pointer_mut("/spec/template") {
        *place = template;
    }
    let spec = data.get_mut("spec").map(Value::take).unwrap_or_default();
    let mut spec: DeploymentSpec =
        serde_json::from_value(spec).map_err(|source| DeploymentError::Malformed { name, source })?;
    spec.replicas = Some(live.map_or(0, |live| live.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1)));
    let mut written = Deployment { metadata: baked.metadata.clone(), spec: Some(spec), status: None };
    if let Some(live) = live {
        let mut annotations = live.annotations().clone();
        annotations.extend(baked.annotations().clone());
        written.metadata.annotations = Some(annotations);
        written.metadata.resource_version = live.resource_version();
        written.metadata.uid = live.uid();
        written.metadata.finalizers.clone_from(&live.metadata.finalizers);
        written.metadata.owner_references.clone_from(&live.metadata.owner_references);
    }
    Ok(written)
}
