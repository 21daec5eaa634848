//! What was posted: a `ConfigMap` `<rollout>-slack`, written by the projection alone. An operation key is noted before the post and the
//! message's id after it, so that a crash in between is seen and the message looked for before it is posted again.

use std::collections::BTreeMap;

use k8s_openapi::{api::core::v1::ConfigMap, apimachinery::pkg::apis::meta::v1::OwnerReference};
use kube::{
    Api, Client, Resource as _, ResourceExt,
    api::{ObjectMeta, PostParams},
};
use serde::{Deserialize, Serialize};

use crate::api::FlinkRollout;

/// One message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Posted {
    /// Its id; none while it is not known whether it was posted.
    pub ts: Option<String>,
    /// Digest of what it says.
    pub digest: String,
}

/// The messages of one rollout.
#[derive(Debug)]
pub(super) struct PostedMessages {
    api: Api<ConfigMap>,
    map: ConfigMap,
}

const CHANNEL: &str = "channel";

impl PostedMessages {
    /// Reads them, or begins with none.
    pub(super) async fn read(client: &Client, rollout: &FlinkRollout, channel: &str) -> kube::Result<Self> {
        let api: Api<ConfigMap> = Api::namespaced(client.clone(), &rollout.namespace().unwrap_or_default());
        let name = format!("{}-slack", rollout.name_any());
        if let Some(map) = api.get_opt(&name).await? {
            return Ok(Self { api, map });
        }
        let owner = OwnerReference {
            api_version: FlinkRollout::api_version(&()).into_owned(),
            kind: FlinkRollout::kind(&()).into_owned(),
            name: rollout.name_any(),
            uid: rollout.uid().unwrap_or_default(),
            ..Default::default()
        };
        let map = ConfigMap {
            metadata: ObjectMeta { name: Some(name), owner_references: Some(vec![owner]), ..Default::default() },
            data: Some(BTreeMap::from([(CHANNEL.to_owned(), channel.to_owned())])),
            ..Default::default()
        };
        let map = api.create(&PostParams::default(), &map).await?;
        Ok(Self { api, map })
    }

    /// The channel that the card was posted to: the thread stays there, whatever the application says later.
    pub(super) fn channel(&self) -> Option<String> {
        self.map.data.as_ref()?.get(CHANNEL).cloned()
    }

    /// What is known of a key.
    pub(super) fn get(&self, key: &str) -> Option<Posted> {
        serde_json::from_str(self.map.data.as_ref()?.get(key)?).ok()
    }

    /// Notes something about a key.
    pub(super) async fn set(&mut self, key: &str, posted: &Posted) -> kube::Result<()> {
        let text = serde_json::to_string(posted).map_err(kube::Error::SerdeError)?;
        let mut next = self.map.clone();
        next.data.get_or_insert_default().insert(key.to_owned(), text);
        self.map = self.api.replace(&next.name_any(), &PostParams::default(), &next).await?;
        Ok(())
    }
}
