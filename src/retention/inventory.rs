//! What is stored for one application.

use std::collections::BTreeSet;

use crate::{
    api::{FlinkApplication, FlinkRollout},
    bake::Referenced,
};

/// Everything that is stored for one application.
#[derive(Debug, Clone)]
pub(super) struct Inventory {
    pub application: FlinkApplication,
    pub rollouts: Vec<FlinkRollout>,
    /// Names of rollouts that this version cannot read.
    pub unreadable_rollouts: Vec<String>,
    pub objects: Vec<StoredObject>,
    /// Every object that a kept record holds, or that a Deployment, `ReplicaSet` or pod mounts. None if some of them cannot be read.
    pub references: Option<BTreeSet<(Referenced, String)>>,
}

/// A `ConfigMap` or Secret that was written for one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredObject {
    pub kind: Referenced,
    pub name: String,
    pub uid: String,
    /// Number of the revision.
    pub number: u32,
    pub role: Role,
}

/// What an object was written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The record of a revision.
    Record,
    /// A versioned copy, which the pods of a revision mount.
    Copy,
    /// A backup of HA metadata.
    Backup,
}
