//! Writes an application's status: the claim and the history.
//!
//! A claim is taken by compare-and-swap and never expires.

use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;

use crate::{
    api::{APPLICATION_FINALIZER, ActiveRollout, FlinkApplication, FlinkApplicationStatus, FlinkRollout},
    cluster::{WriteError, classify},
};

/// The result of claiming an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// The rollout holds the claim, with this revision number.
    Held(u32),
    /// Another rollout holds the claim.
    Busy,
}

/// Revision numbers are unique per application name, even after the application is deleted and recreated.
///
/// While no running revision is recorded, one number stays free for the revision that was installed by other means.
fn next_revision(status: &FlinkApplicationStatus, taken: Option<u32>) -> u32 {
    let last = status.last_sequence.max(taken.unwrap_or(0));
    let has_earlier_numbers = last > 0 || taken.is_some();
    if status.revision.is_none() && has_earlier_numbers { last + 2 } else { last + 1 }
}

/// Writes the applications of one namespace.
#[derive(Clone)]
pub struct ApplicationRecord {
    api: Api<FlinkApplication>,
}

impl ApplicationRecord {
    #[must_use]
    pub fn new(client: Client, namespace: &str) -> Self {
        Self { api: Api::namespaced(client, namespace) }
    }

    /// Takes the claim for a rollout and assigns the next revision number. A repeated call changes nothing.
    ///
    /// `taken` is the highest number on existing objects of this application's name.
    pub async fn claim(
        &self,
        application: &FlinkApplication,
        rollout: &FlinkRollout,
        taken: Option<u32>,
    ) -> Result<ClaimOutcome, WriteError> {
        let status = application.status.clone().unwrap_or_default();
        let uid = rollout.uid().unwrap_or_default();
        if let Some(active) = &status.active_rollout {
            return Ok(if active.uid == uid { ClaimOutcome::Held(active.revision) } else { ClaimOutcome::Busy });
        }
        let revision = next_revision(&status, taken);
        let active = ActiveRollout { name: rollout.name_any(), uid, revision };
        // The finalizer comes first. A claim without it would not protect the application from deletion.
        let protected = self.set_finalizer(application, true).await?;
        let claim = json!({ "activeRollout": active, "lastSequence": revision });
        match self.patch(&protected, &claim).await {
            Ok(()) => Ok(ClaimOutcome::Held(revision)),
            Err(refused @ WriteError::Refused { .. }) => {
                // Nobody holds a claim, so nobody would take the finalizer off at the end.
                self.set_finalizer(&protected, false).await?;
                Err(refused)
            }
            Err(error) => Err(error),
        }
    }

    /// Takes one more number for the rollout that holds the claim. A repeated call changes nothing.
    pub async fn take_number(&self, application: &FlinkApplication, number: u32) -> Result<(), WriteError> {
        if application.status.as_ref().is_some_and(|status| status.last_sequence >= number) {
            return Ok(());
        }
        self.patch(application, &json!({ "lastSequence": number })).await
    }

    /// Releases the claim of a rollout that has ended or was deleted.
    pub async fn release(&self, application: &FlinkApplication, uid: &str) -> Result<(), WriteError> {
        let active = application.status.as_ref().and_then(|status| status.active_rollout.as_ref());
        if active.is_none_or(|active| active.uid != uid) {
            return Ok(());
        }
        // The claim goes last. As long as it exists, a repeated call also removes the finalizer.
        let unprotected = self.set_finalizer(application, false).await?;
        match self.patch(&unprotected, &json!({ "activeRollout": null })).await {
            // Someone has deleted the application, and removing the finalizer has completed this deletion.
            Err(WriteError::Refused { .. }) if application.metadata.deletion_timestamp.is_some() => Ok(()),
            other => other,
        }
    }

    async fn set_finalizer(&self, application: &FlinkApplication, on: bool) -> Result<FlinkApplication, WriteError> {
        let name = application.name_any();
        let mut finalizers = application.finalizers().to_vec();
        finalizers.retain(|finalizer| finalizer != APPLICATION_FINALIZER);
        if on {
            finalizers.push(APPLICATION_FINALIZER.to_owned());
        }
        if finalizers == application.finalizers() {
            return Ok(application.clone());
        }
        let body =
            json!({ "metadata": { "resourceVersion": application.resource_version(), "finalizers": finalizers } });
        let written = self.api.patch(&name, &PatchParams::default(), &Patch::Merge(&body)).await;
        written.map_err(|error| classify(format!("FlinkApplication {name}"), error))
    }

    /// Writes the history after a rollout has ended.
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
        written.map(drop).map_err(|error| classify(format!("FlinkApplication {name}"), error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_number_is_never_used_twice() {
        let status = |last_sequence, revision| FlinkApplicationStatus {
            last_sequence,
            revision,
            ..FlinkApplicationStatus::default()
        };
        assert_eq!(next_revision(&status(0, None), None), 1);
        assert_eq!(next_revision(&status(4, Some(3)), Some(4)), 5);
        // A recreated application numbers above its predecessor and leaves one number free for the revision that runs.
        assert_eq!(next_revision(&status(0, None), Some(7)), 9);
        assert_eq!(next_revision(&status(0, None), Some(0)), 2);
        // An earlier rollout took number 1 but left no revision. The revision that runs still needs its own number.
        assert_eq!(next_revision(&status(1, None), None), 3);
    }
}
