//! Reads what is stored for the applications of a namespace.

use std::collections::BTreeSet;

use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::{ConfigMap, Pod, Secret},
};
use kube::{Api, Client, ResourceExt, api::ListParams};
use serde::Serialize;

use super::{
    inventory::{Inventory, Role, StoredObject},
    surplus::kept_numbers,
};
use crate::{
    api::{APPLICATION_LABEL, FlinkApplication, FlinkRollout, REVISION_LABEL},
    bake::{BASE_NAME_ANNOTATION, Referenced, references},
    cluster::{is_backup_name, list_readable},
    record::{RecordError, RevisionStore, record_name},
};

/// One inventory for each application that this version can read.
pub(super) async fn read_inventories(client: &Client, namespace: &str) -> kube::Result<Vec<Inventory>> {
    let applications: Api<FlinkApplication> = Api::namespaced(client.clone(), namespace);
    let applications = list_readable(&applications, &ListParams::default()).await?.items;
    let mut inventories = Vec::new();
    for application in applications {
        let name = application.name_any();
        let rollouts: Api<FlinkRollout> = Api::namespaced(client.clone(), namespace);
        let params = ListParams::default().fields(&format!("spec.request.application={name}"));
        let rollouts = list_readable(&rollouts, &params).await?;
        let objects = read_objects(client, namespace, &name).await?;
        let kept = kept_numbers(&application, &rollouts.items);
        inventories.push(Inventory {
            references: read_record_references(client, namespace, &name, &kept).await,
            unreadable_rollouts: rollouts
                .unreadable
                .iter()
                .map(|invalid| invalid.name.clone().unwrap_or_default())
                .collect(),
            rollouts: rollouts.items,
            application,
            objects,
        });
    }
    add_mounted(client, namespace, &mut inventories).await?;
    Ok(inventories)
}

async fn read_objects(client: &Client, namespace: &str, application: &str) -> kube::Result<Vec<StoredObject>> {
    let params = ListParams::default().labels(&format!("{APPLICATION_LABEL}={application},{REVISION_LABEL}"));
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let (secrets, maps) = tokio::try_join!(secrets.list_metadata(&params), maps.list_metadata(&params))?;
    let secrets = secrets.items.iter().filter_map(|object| as_stored(object, Referenced::Secret, application));
    let maps = maps.items.iter().filter_map(|object| as_stored(object, Referenced::ConfigMap, application));
    Ok(secrets.chain(maps).collect())
}

/// None if the object is none that Lockkeeper wrote for a revision.
fn as_stored<K: ResourceExt>(object: &K, kind: Referenced, application: &str) -> Option<StoredObject> {
    let number = object.labels().get(REVISION_LABEL)?.parse().ok()?;
    let (name, uid) = (object.name_any(), object.uid()?);
    let role = if kind == Referenced::Secret && name == record_name(application, number) {
        Role::Record
    } else if object.annotations().contains_key(BASE_NAME_ANNOTATION) {
        Role::Copy
    } else if kind == Referenced::ConfigMap && is_backup_name(number, &name) {
        Role::Backup
    } else {
        return None;
    };
    Some(StoredObject { kind, name, uid, number, role })
}

/// The objects in the kept records. None if a record that exists cannot be read.
async fn read_record_references(
    client: &Client,
    namespace: &str,
    application: &str,
    kept: &BTreeSet<u32>,
) -> Option<BTreeSet<(Referenced, String)>> {
    let store = RevisionStore::new(client.clone(), namespace);
    let mut found = BTreeSet::new();
    for number in kept {
        match store.read(application, *number).await {
            Ok(record) => {
                found.extend(
                    record.objects.iter().filter_map(|object| Some((Referenced::of(object)?, object.name_any()))),
                );
            }
            Err(RecordError::Missing(_)) => {}
            Err(_) => return None,
        }
    }
    Some(found)
}

/// Adds what is mounted in the namespace. A `ReplicaSet` outlives its revision, and people may scale it up.
async fn add_mounted(client: &Client, namespace: &str, inventories: &mut [Inventory]) -> kube::Result<()> {
    if !inventories.iter().any(|inventory| inventory.objects.iter().any(|object| object.role == Role::Copy)) {
        return Ok(());
    }
    let params = ListParams::default();
    let deployments = Api::<Deployment>::namespaced(client.clone(), namespace).list(&params).await?;
    let sets = Api::<ReplicaSet>::namespaced(client.clone(), namespace).list(&params).await?;
    let pods = Api::<Pod>::namespaced(client.clone(), namespace).list(&params).await?;
    let mut mounted = BTreeSet::new();
    mounted.extend(deployments.items.iter().filter_map(|object| Some(&object.spec.as_ref()?.template)).flat_map(refer));
    mounted.extend(sets.items.iter().filter_map(|set| set.spec.as_ref()?.template.as_ref()).flat_map(refer));
    mounted.extend(pods.items.iter().flat_map(refer));
    for references in inventories.iter_mut().filter_map(|inventory| inventory.references.as_mut()) {
        references.extend(mounted.iter().cloned());
    }
    Ok(())
}

fn refer(template: &impl Serialize) -> BTreeSet<(Referenced, String)> {
    references(&serde_json::to_value(template).unwrap_or_default())
}
