//! What was posted: a `ConfigMap` `<rollout>-slack`, written by the projection alone. An operation key is noted before the post and the
//! message's id after it, so that a crash in between is seen and the message looked for before it is posted again.

use std::collections::BTreeMap;

use k8s_openapi::{api::core::v1::ConfigMap, apimachinery::pkg::apis::meta::v1::OwnerReference};
use kube::{
    Api, Client, Resource as _, ResourceExt,
    api::{DeleteParams, ObjectMeta, PostParams, Preconditions},
};
use serde::{Deserialize, Serialize};

use crate::{api::FlinkRollout, digest::short_digest_of};

/// One message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Posted {
    /// Its id; none while it is not known whether it was posted.
    pub ts: Option<String>,
    /// Digest of what it says.
    pub digest: String,
    /// When it was about to be posted, in seconds: it is not looked for among messages that are older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<i64>,
}

/// The messages of one rollout.
#[derive(Debug)]
pub(super) struct PostedMessages {
    api: Api<ConfigMap>,
    map: ConfigMap,
    /// When the rollout was made, in seconds: nothing of it was posted before.
    since: i64,
    kept: Kept,
}

/// Whether the `ConfigMap` is still there to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// It is, and a write that fails is an error.
    Recorded,
    /// The rollout is deleted, and the garbage collector may take the `ConfigMap` at any moment: all it said is known here.
    Remembered,
    /// It was gone before it could be read: anything may have been posted.
    Lost,
}

const CHANNEL: &str = "channel";
const SUFFIX: &str = "-slack";
/// The API server takes no longer name.
const LONGEST_NAME: usize = 253;

/// `<rollout>-slack`, with a hash instead of the end where that would be too long.
fn map_name(rollout: &str) -> String {
    if rollout.len() + SUFFIX.len() <= LONGEST_NAME {
        return format!("{rollout}{SUFFIX}");
    }
    let hash = short_digest_of(&rollout, 10);
    let kept: String = rollout.chars().take(LONGEST_NAME - SUFFIX.len() - hash.len() - 1).collect();
    // Each part between dots must end with a letter or a digit.
    format!("{}-{hash}{SUFFIX}", kept.trim_end_matches(['.', '-']))
}

/// Whether it belongs to this rollout and not to an earlier one of the same name, whose messages are another thread's.
fn is_of(map: &ConfigMap, rollout: &FlinkRollout) -> bool {
    map.owner_references().iter().any(|owner| Some(&owner.uid) == rollout.metadata.uid.as_ref())
}

impl PostedMessages {
    /// Reads them, or begins with none; nothing if there is neither a channel to post to nor anything posted. Of a rollout that is `gone`
    /// nothing is created or deleted any more.
    pub(super) async fn read(
        client: &Client,
        rollout: &FlinkRollout,
        wanted: Option<&str>,
        gone: bool,
    ) -> kube::Result<Option<Self>> {
        let api: Api<ConfigMap> = Api::namespaced(client.clone(), &rollout.namespace().unwrap_or_default());
        let since = rollout.metadata.creation_timestamp.as_ref().map_or(0, |at| at.0.as_second());
        let of_this = |map: ConfigMap, kept| Some(Self { api: api.clone(), map, since, kept });
        let name = map_name(&rollout.name_any());
        let known = api.get_opt(&name).await?;
        if let Some(map) = known.as_ref().filter(|map| is_of(map, rollout)) {
            return Ok(of_this(map.clone(), Kept::Recorded));
        }
        let Some(wanted) = wanted else { return Ok(None) };
        if gone {
            return Ok(of_this(empty(name, rollout, wanted), Kept::Lost));
        }
        if let Some(map) = known {
            // Deleted and made anew, never emptied: the garbage collector may be about to delete this one by its uid.
            let this_one = Preconditions { uid: map.uid(), resource_version: None };
            let params = DeleteParams { preconditions: Some(this_one), ..Default::default() };
            api.delete(&name, &params).await?;
        }
        let map = api.create(&PostParams::default(), &empty(name, rollout, wanted)).await?;
        Ok(of_this(map, Kept::Recorded))
    }

    /// From now on a `ConfigMap` that is gone is no error.
    pub(super) fn outlive_the_rollout(&mut self) {
        if self.kept == Kept::Recorded {
            self.kept = Kept::Remembered;
        }
    }

    /// The channel that the card is in, or that it was last tried in. Once it is posted the thread stays there, whatever the application
    /// says later.
    pub(super) fn channel(&self) -> Option<String> {
        self.map.data.as_ref()?.get(CHANNEL).cloned()
    }

    /// What is known of a key.
    pub(super) fn get(&self, key: &str) -> Option<Posted> {
        serde_json::from_str(self.map.data.as_ref()?.get(key)?).ok()
    }

    /// The id of a message that was posted.
    pub(super) fn ts(&self, key: &str) -> Option<String> {
        self.get(key)?.ts
    }

    /// Digest of what a message said when it was noted.
    pub(super) fn noted_digest(&self, key: &str) -> String {
        self.get(key).map(|posted| posted.digest).unwrap_or_default()
    }

    /// Since when a message without an id may be in Slack all the same; none if it cannot be.
    pub(super) fn perhaps_since(&self, key: &str) -> Option<i64> {
        match self.get(key) {
            Some(noted) => Some(noted.at.unwrap_or(self.since)),
            None => (self.kept == Kept::Lost).then_some(self.since),
        }
    }

    /// Notes that a message is about to be posted.
    pub(super) async fn intend(&mut self, key: &str, channel: &str, digest: &str) -> kube::Result<()> {
        let at = self.perhaps_since(key).unwrap_or_else(|| jiff::Timestamp::now().as_second());
        let posted = Posted { ts: None, digest: digest.to_owned(), at: Some(at) };
        if self.get(key).as_ref() == Some(&posted) && self.channel().as_deref() == Some(channel) {
            return Ok(());
        }
        self.write(&[(key, note(&posted)?), (CHANNEL, channel.to_owned())]).await
    }

    /// Notes what was posted, or what it was changed to.
    pub(super) async fn set(&mut self, key: &str, ts: &str, digest: String) -> kube::Result<()> {
        let posted = Posted { ts: Some(ts.to_owned()), digest, at: None };
        self.write(&[(key, note(&posted)?)]).await
    }

    async fn write(&mut self, notes: &[(&str, String)]) -> kube::Result<()> {
        let mut next = self.map.clone();
        next.data.get_or_insert_default().extend(notes.iter().map(|(key, text)| ((*key).to_owned(), text.clone())));
        if self.kept != Kept::Lost {
            match self.api.replace(&next.name_any(), &PostParams::default(), &next).await {
                Err(kube::Error::Api(error)) if error.is_not_found() && self.kept == Kept::Remembered => {}
                written => next = written?,
            }
        }
        self.map = next;
        Ok(())
    }
}

fn note(posted: &Posted) -> kube::Result<String> {
    serde_json::to_string(posted).map_err(kube::Error::SerdeError)
}

fn empty(name: String, rollout: &FlinkRollout, channel: &str) -> ConfigMap {
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
    fn names_stay_valid_and_different() {
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
