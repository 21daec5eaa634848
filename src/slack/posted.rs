//! What was posted: a `ConfigMap` `<rollout>-slack`, written by the projection alone. An operation key is noted before the post and the
//! message's id after it, so that a crash in between is seen and the message looked for before it is posted again.

use std::collections::BTreeMap;

use k8s_openapi::{api::core::v1::ConfigMap, apimachinery::pkg::apis::meta::v1::OwnerReference};
use kube::{
    Api, Client, Resource as _, ResourceExt,
    api::{DeleteParams, ObjectMeta, PostParams, Preconditions},
};
use serde::{Deserialize, Serialize};

use crate::{api::FlinkRollout, cluster::digest_of};

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
const SUFFIX: &str = "-slack";
/// The API server takes no longer name.
const LONGEST_NAME: usize = 253;

/// `<rollout>-slack`, with a hash instead of the end where that would be too long.
fn map_name(rollout: &str) -> String {
    if rollout.len() + SUFFIX.len() <= LONGEST_NAME {
        return format!("{rollout}{SUFFIX}");
    }
    let hash: String = digest_of(&rollout).chars().take(10).collect();
    let kept: String = rollout.chars().take(LONGEST_NAME - SUFFIX.len() - hash.len() - 1).collect();
    // Each part between dots must end with a letter or a digit.
    format!("{}-{hash}{SUFFIX}", kept.trim_end_matches(['.', '-']))
}

/// Whether it belongs to this rollout and not to an earlier one of the same name, whose messages are another thread's.
fn is_of(map: &ConfigMap, rollout: &FlinkRollout) -> bool {
    map.owner_references().iter().any(|owner| Some(&owner.uid) == rollout.metadata.uid.as_ref())
}

impl PostedMessages {
    /// Reads them, or begins with none.
    pub(super) async fn read(client: &Client, rollout: &FlinkRollout, channel: &str) -> kube::Result<Self> {
        let api: Api<ConfigMap> = Api::namespaced(client.clone(), &rollout.namespace().unwrap_or_default());
        let name = map_name(&rollout.name_any());
        if let Some(map) = api.get_opt(&name).await? {
            if is_of(&map, rollout) {
                return Ok(Self { api, map });
            }
            // Deleted and made anew, never emptied: the garbage collector may be about to delete this one by its uid.
            let this_one = Preconditions { uid: map.uid(), resource_version: None };
            let params = DeleteParams { preconditions: Some(this_one), ..Default::default() };
            api.delete(&name, &params).await?;
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
