//! The leaders of Flink's HA metadata, as a rollout has seen them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::time::Time;

/// Which leaders of the HA metadata are known, and which are watched.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Leadership {
    /// `holderIdentity` of leaders that need no watch: they led while a pod of this application ran, or they renewed nothing.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub known: Vec<String>,
    /// The watch of other leaders, while it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<LeaderWatch>,
}

/// A look at the locks of leaders that are not known.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeaderWatch {
    /// When the look was taken.
    pub since: Time,
    /// A digest of each lock, by the name of its `ConfigMap`.
    pub renewals: BTreeMap<String, String>,
}
