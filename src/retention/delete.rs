//! Deletes surplus objects, each one by the uid that was read.

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, Preconditions},
};

use super::{inventory::StoredObject, surplus::Surplus};
use crate::{
    bake::Referenced,
    cluster::{WriteError, classify},
    record::RolloutRecord,
};

/// Deletes what it can and returns how many objects that were. An error concerns one object, and the next pass tries again.
pub(super) async fn delete_surplus(client: &Client, namespace: &str, surplus: &Surplus<'_>) -> usize {
    let record = RolloutRecord::new(client.clone(), namespace);
    let mut deleted = 0;
    for rollout in &surplus.rollouts {
        let result = record.delete_ended(rollout).await;
        deleted += usize::from(log_error(namespace, &rollout.name_any(), result));
    }
    for object in &surplus.objects {
        let result = delete_object(client, namespace, object).await;
        deleted += usize::from(log_error(namespace, &object.name, result));
    }
    deleted
}

async fn delete_object(client: &Client, namespace: &str, object: &StoredObject) -> Result<(), WriteError> {
    let this_one = Preconditions { uid: Some(object.uid.clone()), resource_version: None };
    let params = DeleteParams { preconditions: Some(this_one), ..DeleteParams::default() };
    let result = match object.kind {
        Referenced::Secret => {
            Api::<Secret>::namespaced(client.clone(), namespace).delete(&object.name, &params).await.map(drop)
        }
        Referenced::ConfigMap => {
            Api::<ConfigMap>::namespaced(client.clone(), namespace).delete(&object.name, &params).await.map(drop)
        }
    };
    result.map_err(|error| classify(format!("{} {}", object.kind.kind(), object.name), error))
}

/// Whether it was deleted. An object that was changed or is gone is no error: the next pass reads it anew.
fn log_error(namespace: &str, name: &str, result: Result<(), WriteError>) -> bool {
    match result {
        Ok(()) => return true,
        Err(WriteError::Conflict { .. }) => {}
        Err(error) => {
            tracing::warn!(namespace, name, %error, "an old object could not be deleted: it is tried again in an hour");
        }
    }
    false
}
