//! Stores a revision record: the immutable Secret `<app>-rev-NNN` with all baked objects of a revision, compressed, under 1 MiB.

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

use crate::{
    api::{APPLICATION_LABEL, REVISION_LABEL, REVISION_TYPE},
    digest::digest_of_bytes,
};

/// The API server accepts up to 1 MiB of data in a Secret. 16 KiB of it stay free for the metadata.
const MAX_SIZE: usize = 1024 * 1024 - 16 * 1024;
const KEY: &str = "revision.json.gz";

/// Contains everything that is needed to run a revision again.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RevisionRecord {
    pub application: String,
    pub revision: u32,
    /// Uid of the rollout that wrote the record. Only this rollout may write it again or delete it.
    #[serde(default)]
    pub rollout_uid: String,
    pub version: String,
    /// Replicas of the `TaskManager` Deployment.
    pub task_manager_replicas: i32,
    /// All objects of the revision, with versioned names and without a start state.
    pub objects: Vec<DynamicObject>,
}

/// Why a record cannot be written or read.
#[derive(Debug, Error)]
pub enum RecordError {
    #[error(
        "everything that version {version} renders is {size} bytes compressed, over the limit of {MAX_SIZE}: move large files out of the chart's ConfigMaps"
    )]
    TooLarge {
        version: String,
        /// Compressed size in bytes.
        size: usize,
    },
    #[error("the revision record {0} is not there")]
    Missing(String),
    #[error(
        "the revision record {0} is not the one that was planned and approved: somebody replaced it. Find out who may write Secrets of this namespace"
    )]
    Replaced(String),
    #[error("the revision record {name} cannot be read: {reason}")]
    Unreadable { name: String, reason: String },
    #[error("could not read or write the revision record {name}")]
    Api { name: String, source: Box<kube::Error> },
}

/// The name of the Secret that holds a revision record.
#[must_use]
pub fn record_name(application: &str, revision: u32) -> String {
    format!("{application}-rev-{revision:03}")
}

impl RevisionRecord {
    /// Finds an object of this revision by kind and name.
    #[must_use]
    pub fn object(&self, kind: &str, name: &str) -> Option<&DynamicObject> {
        self.objects
            .iter()
            .find(|object| object.types.as_ref().is_some_and(|types| types.kind == kind) && object.name_any() == name)
    }

    /// The SHA-256 of the record's JSON. A plan names it, so that what is applied is what was approved.
    pub fn digest(&self) -> Result<String, RecordError> {
        Ok(digest_of_bytes(&self.to_json()?))
    }

    fn to_json(&self) -> Result<Vec<u8>, RecordError> {
        serde_json::to_vec(self).map_err(|error| self.unreadable(error.to_string()))
    }

    fn unreadable(&self, reason: String) -> RecordError {
        RecordError::Unreadable { name: record_name(&self.application, self.revision), reason }
    }

    fn compress(&self) -> Result<Vec<u8>, RecordError> {
        let unreadable = |reason: String| self.unreadable(reason);
        let json = self.to_json()?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&json).map_err(|error| unreadable(error.to_string()))?;
        let packed = encoder.finish().map_err(|error| unreadable(error.to_string()))?;
        // The JSON of a Secret contains the data in base64.
        if packed.len() * 4 / 3 > MAX_SIZE {
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
    #[must_use]
    pub fn new(client: Client, namespace: &str) -> Self {
        Self { api: Api::namespaced(client.clone(), namespace), maps: Api::namespaced(client, namespace) }
    }

    /// Writes a record, and replaces a record with the same number. Numbers are unique, so only the same rollout can have written that one.
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
            type_: Some(REVISION_TYPE.to_owned()),
            data: Some(BTreeMap::from([(KEY.to_owned(), ByteString(record.compress()?))])),
            ..Default::default()
        };
        match self.api.create(&PostParams::default(), &secret).await {
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                self.delete(&record.application, record.revision).await?;
                self.api.create(&PostParams::default(), &secret).await.map(drop).map_err(|error| api_error(name, error))
            }
            other => other.map(drop).map_err(|error| api_error(name, error)),
        }
    }

    /// Reads a record and its digest. A record with another digest than the known one is refused. Records of older bots have none.
    pub async fn read_known(
        &self,
        application: &str,
        revision: u32,
        known: Option<&str>,
    ) -> Result<(RevisionRecord, String), RecordError> {
        let (record, digest) = self.read_with_digest(application, revision).await?;
        if known.is_some_and(|known| known != digest) {
            return Err(RecordError::Replaced(record_name(application, revision)));
        }
        Ok((record, digest))
    }

    pub async fn read(&self, application: &str, revision: u32) -> Result<RevisionRecord, RecordError> {
        Ok(self.read_with_digest(application, revision).await?.0)
    }

    async fn read_with_digest(
        &self,
        application: &str,
        revision: u32,
    ) -> Result<(RevisionRecord, String), RecordError> {
        let name = record_name(application, revision);
        let secret = self.api.get_opt(&name).await.map_err(|error| api_error(name.clone(), error))?;
        let secret = secret.ok_or_else(|| RecordError::Missing(name.clone()))?;
        let unreadable = |reason: String| RecordError::Unreadable { name: name.clone(), reason };
        let packed = secret
            .data
            .as_ref()
            .and_then(|data| data.get(KEY))
            .ok_or_else(|| unreadable(format!("it has no {KEY}")))?;
        let mut json = String::new();
        GzDecoder::new(packed.0.as_slice()).read_to_string(&mut json).map_err(|error| unreadable(error.to_string()))?;
        let record = serde_json::from_str(&json).map_err(|error| unreadable(error.to_string()))?;
        Ok((record, digest_of_bytes(json.as_bytes())))
    }

    /// The highest revision number of an application's records and versioned objects.
    pub async fn highest_number(&self, application: &str) -> Result<Option<u32>, RecordError> {
        let params = ListParams::default().labels(&format!("{APPLICATION_LABEL}={application},{REVISION_LABEL}"));
        let list_error = |error| api_error(format!("{application}-rev-*"), error);
        let secrets = self.api.list_metadata(&params).await.map_err(list_error)?;
        let maps = self.maps.list_metadata(&params).await.map_err(list_error)?;
        let labels = secrets.items.iter().map(ResourceExt::labels).chain(maps.items.iter().map(ResourceExt::labels));
        Ok(labels.filter_map(|labels| labels.get(REVISION_LABEL)?.parse().ok()).max())
    }

    /// Deletes the record of a rollout that has deployed nothing.
    pub async fn delete(&self, application: &str, revision: u32) -> Result<(), RecordError> {
        let name = record_name(application, revision);
        match self.api.delete(&name, &DeleteParams::default()).await {
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
            other => other.map(drop).map_err(|error| api_error(name, error)),
        }
    }
}

fn api_error(name: String, source: kube::Error) -> RecordError {
    RecordError::Api { name, source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_is_too_large_is_refused() {
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
        assert!(matches!(record.compress(), Err(RecordError::TooLarge { .. })));
    }
}
