//! Decides what is deleted. Pure: values in, a list out.

use std::collections::BTreeSet;

use kube::ResourceExt;

use super::inventory::{Inventory, Role, StoredObject};
use crate::api::{FlinkApplication, FlinkRollout};

/// What may be deleted of one application.
#[derive(Debug, Default)]
pub(super) struct Surplus<'a> {
    pub rollouts: Vec<&'a FlinkRollout>,
    pub objects: Vec<&'a StoredObject>,
    /// Why no record, copy or backup may be deleted now.
    pub objects_stay: Option<String>,
}

pub(super) fn find_surplus(inventory: &Inventory) -> Surplus<'_> {
    let rollouts = surplus_rollouts(&inventory.application, &inventory.rollouts);
    if let Some(why) = reason_to_keep_objects(inventory) {
        return Surplus { rollouts, objects: Vec::new(), objects_stay: Some(why) };
    }
    let kept = kept_numbers(&inventory.application, &inventory.rollouts);
    let is_surplus = |object: &&StoredObject| {
        let is_mounted = match (&inventory.references, object.role) {
            (_, Role::Record | Role::Backup) => false,
            (Some(references), Role::Copy) => references.contains(&(object.kind, object.name.clone())),
            // Content that did not change keeps the copy of an older revision. So a number alone says nothing about a copy.
            (None, Role::Copy) => true,
        };
        !kept.contains(&object.number) && !is_mounted
    };
    let objects = inventory.objects.iter().filter(is_surplus).collect();
    let unread = inventory.references.is_none();
    let objects_stay = unread.then(|| "a kept revision record cannot be read, so versioned copies stay".to_owned());
    Surplus { rollouts, objects, objects_stay }
}

/// The ended rollouts beyond the last ones. One that is not quite finished stays, and so does one that a continuous deployment tool would
/// create again: it would deploy an old version.
fn surplus_rollouts<'a>(application: &FlinkApplication, rollouts: &'a [FlinkRollout]) -> Vec<&'a FlinkRollout> {
    let mut ended: Vec<&FlinkRollout> = rollouts.iter().filter(|rollout| has_ended(rollout)).collect();
    let created_at = |rollout: &FlinkRollout| rollout.metadata.creation_timestamp.as_ref().map(|at| at.0);
    ended.sort_by_key(|rollout| std::cmp::Reverse((created_at(rollout), rollout.name_any())));
    let active = application.status.as_ref().and_then(|status| status.active_rollout.as_ref());
    let is_at_rest = |rollout: &&FlinkRollout| {
        let metadata = &rollout.metadata;
        let holds_claim = active.is_some_and(|active| Some(&active.uid) == metadata.uid.as_ref());
        rollout.finalizers().is_empty() && metadata.deletion_timestamp.is_none() && !holds_claim
    };
    let max = usize::try_from(application.spec.retention.rollouts).unwrap_or(usize::MAX);
    ended.into_iter().skip(max).filter(is_at_rest).filter(|rollout| !is_tracked(rollout)).collect()
}

fn has_ended(rollout: &FlinkRollout) -> bool {
    rollout.status.as_ref().is_some_and(|status| status.result.is_some())
}

/// Whether Argo CD, Flux or Helm keeps the object as it is in a repository.
fn is_tracked(rollout: &FlinkRollout) -> bool {
    const TRACKERS: [&str; 3] = ["argocd.argoproj.io/", "toolkit.fluxcd.io/", "meta.helm.sh/"];
    let mut keys = rollout.annotations().keys().chain(rollout.labels().keys());
    keys.any(|key| TRACKERS.iter().any(|tracker| key.contains(tracker)))
}

fn reason_to_keep_objects(inventory: &Inventory) -> Option<String> {
    let status = inventory.application.status.as_ref();
    if let Some(name) = inventory.unreadable_rollouts.first() {
        return Some(format!("this version of Lockkeeper cannot read the rollout {name}"));
    }
    if let Some(active) = inventory.rollouts.iter().find(|rollout| !has_ended(rollout)) {
        return Some(format!("the rollout {} has not ended", active.name_any()));
    }
    if let Some(active) = status.and_then(|status| status.active_rollout.as_ref()) {
        return Some(format!("the rollout {} holds the claim", active.name));
    }
    // After an application was created again, its status does not say yet which old revisions run.
    status.and_then(|status| status.revision).is_none().then(|| "no revision that runs is recorded yet".to_owned())
}

/// The numbers of all revisions that are kept: those of the history, of the restore points, and of the rollouts that stay.
pub(super) fn kept_numbers(application: &FlinkApplication, rollouts: &[FlinkRollout]) -> BTreeSet<u32> {
    let mut kept = BTreeSet::new();
    if let Some(status) = &application.status {
        kept.extend(status.revision);
        kept.extend(status.revisions.iter().map(|revision| revision.number));
        kept.extend(status.restore_points.iter().filter_map(|point| point.revision));
        kept.extend(status.active_rollout.as_ref().map(|active| active.revision));
    }
    let surplus: BTreeSet<_> = surplus_rollouts(application, rollouts).into_iter().map(ResourceExt::uid).collect();
    for rollout in rollouts.iter().filter(|rollout| !surplus.contains(&rollout.uid())) {
        kept.extend(rollout.spec.request.revision);
        let Some(status) = &rollout.status else { continue };
        kept.extend(status.revision);
        if let Some(plan) = &status.plan {
            kept.insert(plan.target.revision);
            kept.extend(plan.previous_revision);
        }
    }
    kept
}

#[cfg(test)]
mod tests;
