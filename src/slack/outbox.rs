//! The record of the messages of one rollout: a `ConfigMap` `<rollout>-slack`, which only the projection writes.
//!
//! The key of a message is recorded before the post, and its id after it. After a crash in between, the message is searched before it
//! is posted again.

use std::collections::BTreeMap;

use k8s_openapi::{api::core::v1::ConfigMap, apimachinery::pkg::apis::meta::v1::OwnerReference};
use kube::{
    Api, Client, Resource as _, ResourceExt,
    api::{DeleteParams, ObjectMeta, PostParams, Preconditions},
};
use serde::{Deserialize, Serialize};

use crate::{api::FlinkRollout, digest::short_digest_of};

/// The record of one message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Posted {
    /// The id of the message. None while it is not known whether it was posted.
    pub ts: Option<String>,
    /// The digest of its text and blocks.
    pub digest: String,
    /// The time just before the post, in seconds. Older messages are not searched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<i64>,
}

/// The messages of one rollout.
#[derive(Debug)]
pub(super) struct Outbox {
    api: Api<ConfigMap>,
    map: ConfigMap,
    /// When the rollout was created, in seconds. Nothing of it was posted before.
    since: i64,
    state: RecordState,
}

/// Whether the `ConfigMap` still exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RecordState {
    /// It exists, and a write that fails is an error.
    Stored,
    /// The rollout is deleted. The garbage collector may delete the `ConfigMap` at any moment, but its content was read before.
    InMemory,
    /// It was deleted before it could be read, so that any message may have been posted.
    Lost,
}

const CHANNEL: &str = "channel";
/// Set once the thread of an ended rollout is whole. A later version may word it otherwise, and leaves it alone.
const WHOLE: &str = "whole";
const SUFFIX: &str = "-slack";
/// The limit of the API server for a name.
const MAX_NAME: usize = 253;

/// The name `<rollout>-slack`. Where it would be too long, a hash replaces the end of the rollout's name.
fn map_name(rollout: &str) -> String {
    if rollout.len() + SUFFIX.len() <= MAX_NAME {
        return format!("{rollout}{SUFFIX}");
    }
    let hash = short_digest_of(&rollout, 10);
    let prefix: String = rollout.chars().take(MAX_NAME - SUFFIX.len() - hash.len() - 1).collect();
    // Each part between dots must end with a letter or a digit.
    format!("{}-{hash}{SUFFIX}", prefix.trim_end_matches(['.', '-']))
}

/// Whether it belongs to this rollout. One of an earlier rollout with the same name records the messages of another thread.
fn belongs_to(map: &ConfigMap, rollout: &FlinkRollout) -> bool {
    map.owner_references().iter().any(|owner| Some(&owner.uid) == rollout.metadata.uid.as_ref())
}

impl Outbox {
    /// Reads the record, or creates an empty one. None if nothing was posted and there is no channel to post to. If the rollout is
    /// `deleted`, no object is created or deleted.
    pub(super) async fn read(
        client: &Client,
        rollout: &FlinkRollout,
        wanted: Option<&str>,
        deleted: bool,
    ) -> kube::Result<Option<Self>> {
        let api: Api<ConfigMap> = Api::namespaced(client.clone(), &rollout.namespace().unwrap_or_default());
        let since = rollout.metadata.creation_timestamp.as_ref().map_or(0, |at| at.0.as_second());
        let outbox = |map: ConfigMap, state| Some(Self { api: api.clone(), map, since, state });
        let name = map_name(&rollout.name_any());
        let known = api.get_opt(&name).await?;
        if let Some(map) = known.as_ref().filter(|map| belongs_to(map, rollout)) {
            return Ok(outbox(map.clone(), RecordState::Stored));
        }
        let Some(wanted) = wanted else { return Ok(None) };
        if deleted {
            return Ok(outbox(new_map(name, rollout, wanted), RecordState::Lost));
        }
        if let Some(map) = known {
            // It is deleted and created again, not emptied: the garbage collector may be about to delete the old one by its uid.
            let this_one = Preconditions { uid: map.uid(), resource_version: None };
            let params = DeleteParams { preconditions: Some(this_one), ..Default::default() };
            api.delete(&name, &params).await?;
        }
        let map = api.create(&PostParams::default(), &new_map(name, rollout, wanted)).await?;
        Ok(outbox(map, RecordState::Stored))
    }

    /// From now on a missing `ConfigMap` is no error, since its rollout is deleted.
    pub(super) fn keep_in_memory(&mut self) {
        if self.state == RecordState::Stored {
            self.state = RecordState::InMemory;
        }
    }

    /// The channel of the card, or the last one that was tried. A thread stays in its channel when the application names another one.
    pub(super) fn channel(&self) -> Option<String> {
        self.map.data.as_ref()?.get(CHANNEL).cloned()
    }

    /// Whether the thread shows the rollout's end.
    pub(super) fn is_whole(&self) -> bool {
        self.map.data.as_ref().is_some_and(|data| data.contains_key(WHOLE))
    }

    /// Records that the thread shows the rollout's end.
    pub(super) async fn record_whole(&mut self) -> kube::Result<()> {
        self.write(&[(WHOLE, "true".to_owned())]).await
    }

    /// The record of the message with this key.
    pub(super) fn get(&self, key: &str) -> Option<Posted> {
        serde_json::from_str(self.map.data.as_ref()?.get(key)?).ok()
    }

    /// The id of a message that was posted.
    pub(super) fn ts(&self, key: &str) -> Option<String> {
        self.get(key)?.ts
    }

    /// The digest that was recorded for a message. Empty if there is no record.
    pub(super) fn digest_of(&self, key: &str) -> String {
        self.get(key).map(|posted| posted.digest).unwrap_or_default()
    }

    /// From when on a message without an id may be in Slack nevertheless. None if it cannot be there.
    pub(super) fn maybe_posted_since(&self, key: &str) -> Option<i64> {
        match self.get(key) {
            Some(posted) => Some(posted.at.unwrap_or(self.since)),
            None => (self.state == RecordState::Lost).then_some(self.since),
        }
    }

    /// Records that a message is about to be posted.
    pub(super) async fn record_intent(&mut self, key: &str, channel: &str, digest: &str) -> kube::Result<()> {
        let at = self.maybe_posted_since(key).unwrap_or_else(|| jiff::Timestamp::now().as_second());
        let posted = Posted { ts: None, digest: digest.to_owned(), at: Some(at) };
        if self.get(key).as_ref() == Some(&posted) && self.channel().as_deref() == Some(channel) {
            return Ok(());
        }
        self.write(&[(key, to_json(&posted)?), (CHANNEL, channel.to_owned())]).await
    }

    /// Records the id and the content of a message that was posted or updated.
    pub(super) async fn record_posted(&mut self, key: &str, ts: &str, digest: String) -> kube::Result<()> {
        let posted = Posted { ts: Some(ts.to_owned()), digest, at: None };
        self.write(&[(key, to_json(&posted)?)]).await
    }

    async fn write(&mut self, entries: &[(&str, String)]) -> kube::Result<()> {
        let mut next = self.map.clone();
        next.data.get_or_insert_default().extend(entries.iter().map(|(key, text)| ((*key).to_owned(), text.clone())));
        if self.state != RecordState::Lost {
            match self.api.replace(&next.name_any(), &PostParams::default(), &next).await {
                Err(kube::Error::Api(error)) if error.is_not_found() && self.state == RecordState::InMemory => {}
                written => next = written?,
            }
        }
        self.map = next;
        Ok(())
    }
}

fn to_json(posted: &Posted) -> kube::Result<String> {
    serde_json::to_string(posted).map_err(kube::Error::SerdeError)
}

fn new_map(name: String, rollout: &FlinkRollout, channel: &str) -> ConfigMap {
    let owner = OwnerReference {
        api_version: FlinkRollout::api_version(&()).into_owned(),
        kind: FlinkRollout::kind(&()).into_owned(),
        name: rollout.name_any(),
        uid: rollout.uid().unwrap_or_default(),
        ..Default::default()
    };
    ConfigMap {
        metadata: ObjectMeta { name: Some(name), owner_references: Some(vec![owner]), ..Default::default() },
        data: Some(BTreeMap::from([(CHANNEL.to_owned(), channel.to_owned())])),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_to_valid_and_different_names() {
        assert_eq!(map_name("orders-1"), "orders-1-slack");
        let just_fits = "a".repeat(247);
        assert_eq!(map_name(&just_fits), format!("{just_fits}-slack"));
        let dots = format!("{}{}", "a".repeat(235), ".b".repeat(9));
        let (long, other) = ("a".repeat(253), format!("{}b", "a".repeat(252)));
        for name in [&dots, &long, &other] {
            let name = map_name(name);
            assert!(name.len() <= 253 && !name.contains(".-") && name.ends_with("-slack"), "{name}");
        }
        assert_ne!(map_name(&long), map_name(&other));
    }
}
