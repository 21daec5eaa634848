//! Revision records: the immutable Secret `<app>-rev-NNN` with all baked objects of a revision, gzip, under 1 MiB.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use k8s_openapi::{
    ByteString,
    api::core::v1::{ConfigMap, Secret},
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, ObjectMeta, PostParams},
    core::DynamicObject,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::api::{APPLICATION_LABEL, REVISION_LABEL};

/// etcd's and the API server's limit for one object, with room for metadata.
const LIMIT: usize = 1024 * 1024 - 16 * 1024;
const KEY: &str = "revision.json.gz";

/// Everything needed to run a revision again.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RevisionRecord {
    /// The application.
    pub application: String,
    /// The revision's number.
    pub revision: u32,
    /// Uid of the rollout that wrote it, the only one that may write it again or delete it.
    #[serde(default)]
    pub rollout_uid: String,
    /// Its version.
    pub version: String,
    /// Replicas of the `TaskManager` Deployment it runs with.
    pub task_manager_replicas: i32,
    /// All its objects: versioned names, without a start state.
    pub objects: Vec<DynamicObject>,
}

/// Why a record cannot be written or read.
#[derive(Debug, Error)]
pub enum RecordError {
    /// It is too large.
    #[error(
        "everything that version {version} renders is {size} bytes compressed, over the limit of {LIMIT}: move large files out of the chart's ConfigMaps"
    )]
    TooLarge {
        /// The version.
        version: String,
        /// Its size in bytes.
        size: usize,
    },
    /// It is not there.
    #[error("the revision record {0} is not there")]
    Missing(String),
    /// It cannot be understood.
    #[error("the revision record {name} cannot be read: {reason}")]
    Unreadable {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// The API server.
    #[error("could not read or write the revision record {name}: {source}")]
    Api {
        /// Its name.
        name: String,
        /// Why.
        source: Box<kube::Error>,
    },
}

/// The name of a revision's record.
#[must_use]
pub fn record_name(application: &str, revision: u32) -> String {
    format!("{application}-rev-{revision:03}")
}

impl RevisionRecord {
    /// An object of this revision by kind and name.
    #[must_use]
    pub fn object(&self, kind: &str, name: &str) -> Option<&DynamicObject> {
        self.objects
            .iter()
            .find(|object| object.types.as_ref().is_some_and(|types| types.kind == kind) && object.name_any() == name)
    }

    fn packed(&self) -> Result<Vec<u8>, RecordError> {
        let unreadable =
            |reason: String| RecordError::Unreadable { name: record_name(&self.application, self.revision), reason };
        let json = serde_json::to_vec(self).map_err(|error| unreadable(error.to_string()))?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&json).map_err(|error| unreadable(error.to_string()))?;
        let packed = encoder.finish().map_err(|error| unreadable(error.to_string()))?;
        // A Secret travels in base64.
        if packed.len() * 4 / 3 > LIMIT {
            return Err(RecordError::TooLarge { version: self.version.clone(), size: packed.len() });
        }
        Ok(packed)
    }
}

/// Reads and writes the records of one namespace.
#[derive(Clone)]
pub struct RevisionStore {
    api: Api<Secret>,
    maps: Api<ConfigMap>,
}

impl RevisionStore {
    /// For one namespace.
    #[must_use]
    pub fn new(client: Client, namespace: &str) -> Self {
        Self { api: Api::namespaced(client.clone(), namespace), maps: Api::namespaced(client, namespace) }
    }

    /// Writes a record. One left by an earlier try of the same rollout is replaced: its number was handed out once.
    pub async fn write(&self, record: &RevisionRecord) -> Result<(), RecordError> {
        let name = record_name(&record.application, record.revision);
        let secret = Secret {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                labels: Some(BTreeMap::from([
                    (APPLICATION_LABEL.to_owned(), record.application.clone()),
                    (REVISION_LABEL.to_owned(), format!("{:03}", record.revision)),
                ])),
                ..Default::default()
            },
            immutable: Some(true),
            type_: Some("lockkeeper.dev/revision".to_owned()),
            data: Some(BTreeMap::from([(KEY.to_owned(), ByteString(record.packed()?))])),
            ..Default::default()
        };
        match self.api.create(&PostParams::default(), &secret).await {
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                self.delete(&record.application, record.revision).await?;
                self.api.create(&PostParams::default(), &secret).await.map(drop).map_err(|error| api(name, error))
            }
            other => other.map(drop).map_err(|error| api(name, error)),
        }
    }

    /// Reads a record.
    pub async fn read(&self, application: &str, revision: u32) -> Result<RevisionRecord, RecordError> {
        let name = record_name(application, revision);
        let secret = self.api.get_opt(&name).await.map_err(|error| api(name.clone(), error))?;
        let secret = secret.ok_or_else(|| RecordError::Missing(name.clone()))?;
        let unreadable = |reason: String| RecordError::Unreadable { name: name.clone(), reason };
        let packed = secret
            .data
            .as_ref()
            .and_then(|data| data.get(KEY))
            .ok_or_else(|| unreadable(format!("it has no {KEY}")))?;
        let mut json = String::new();
        GzDecoder::new(packed.0.as_slice()).read_to_string(&mut json).map_err(|error| unreadable(error.to_string()))?;
        serde_json::from_str(&json).map_err(|error| unreadable(error.to_string()))
    }

    /// The highest number that a record or a versioned object of an application carries.
    pub async fn highest(&self, application: &str) -> Result<Option<u32>, RecordError> {
        let params = ListParams::default().labels(&format!("{APPLICATION_LABEL}={application},{REVISION_LABEL}"));
        let failed = |error| api(format!("{application}-rev-*"), error);
        let secrets = self.api.list_metadata(&params).await.map_err(failed)?;
        let maps = self.maps.list_metadata(&params).await.map_err(failed)?;
        let labels = secrets.items.iter().map(ResourceExt::labels).chain(maps.items.iter().map(ResourceExt::labels));
        Ok(labels.filter_map(|labels| labels.get(REVISION_LABEL)?.parse().ok()).max())
    }

    /// Deletes the record of a rollout that deployed nothing.
    pub async fn delete(&self, application: &str, revision: u32) -> Result<(), RecordError> {
        let name = record_name(application, revision);
        match self.api.delete(&name, &DeleteParams::default()).await {
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
            other => other.map(drop).map_err(|error| api(name, error)),
        }
    }
}

fn api(name: String, source: kube::Error) -> RecordError {
    RecordError::Api { name, source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_would_not_fit_is_refused_with_its_size() {
        let noise: String = (0u64..300_000).map(|n| format!("{:x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect();
        let object = serde_json::json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"x": noise},
        });
        let record = RevisionRecord {
            application: "a".into(),
            revision: 1,
            rollout_uid: "u".into(),
            version: "1".into(),
            task_manager_replicas: 1,
            objects: vec![serde_json::from_value(object).unwrap()],
        };
        assert!(matches!(record.packed(), Err(RecordError::TooLarge { .. })));
    }
}
