//! The application's status: the claim, by compare-and-swap and without a time-out, and its history.

use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;

use super::classified;
use crate::{
    api::{ActiveRollout, FlinkApplication, FlinkApplicationStatus, FlinkRollout},
    cluster::WriteError,
};

/// How a try to claim an application ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// It is ours, with this revision number.
    Held(u32),
    /// Another rollout has it.
    Busy(String),
}

/// Writes the status of applications in one namespace.
#[derive(Clone)]
pub struct ApplicationRecord {
    api: Api<FlinkApplication>,
}

impl ApplicationRecord {
    /// For one namespace.
    #[must_use]
    pub fn new(client: Client, namespace: &str) -> Self {
        Self { api: Api::namespaced(client, namespace) }
    }

    /// Takes the claim for a rollout and hands out the next revision number; a repeat is nothing.
    pub async fn claim(
        &self,
        application: &FlinkApplication,
        rollout: &FlinkRollout,
    ) -> Result<ClaimOutcome, WriteError> {
        let status = application.status.clone().unwrap_or_default();
        let uid = rollout.uid().unwrap_or_default();
        if let Some(active) = &status.active_rollout {
            return Ok(if active.uid == uid {
                ClaimOutcome::Held(active.revision)
            } else {
                ClaimOutcome::Busy(active.name.clone())
            });
        }
        let revision = status.last_sequence + 1;
        let active = ActiveRollout { name: rollout.name_any(), uid, revision };
        self.patch(application, &json!({ "activeRollout": active, "lastSequence": revision })).await?;
        Ok(ClaimOutcome::Held(revision))
    }

    /// Releases the claim of a rollout that ended or is gone.
    pub async fn release(&self, application: &FlinkApplication, uid: &str) -> Result<(), WriteError> {
        let active = application.status.as_ref().and_then(|status| status.active_rollout.as_ref());
        if active.is_none_or(|active| active.uid != uid) {
            return Ok(());
        }
        self.patch(application, &json!({ "activeRollout": null })).await
    }

    /// Writes the history that an ended rollout leaves.
    pub async fn write_history(
        &self,
        application: &FlinkApplication,
        status: &FlinkApplicationStatus,
    ) -> Result<(), WriteError> {
        self.patch(
            application,
            &json!({
                "revision": status.revision,
                "version": status.version,
                "revisions": status.revisions,
                "restorePoints": status.restore_points,
                "parkedAt": status.parked_at,
            }),
        )
        .await
    }

    async fn patch(&self, application: &FlinkApplication, status: &serde_json::Value) -> Result<(), WriteError> {
        let name = application.name_any();
        let body = json!({ "metadata": { "resourceVersion": application.resource_version() }, "status": status });
        let written = self.api.patch_status(&name, &PatchParams::default(), &Patch::Merge(&body)).await;
        written.map(drop).map_err(|error| classified(format!("FlinkApplication {name}"), error))
    }
}
