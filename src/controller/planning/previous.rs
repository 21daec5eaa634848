//! Finds the record of what runs. If other means installed or changed it, what is live is recorded.

use kube::ResourceExt;

use super::{
    super::{context::Context, effect_error::EffectError},
    adoption::Adoption,
    drift::{find_changed_fields, shorten_fields},
};
use crate::{
    api::{Current, FlinkApplication},
    record::{RecordError, RevisionRecord},
    rollout::World,
};

pub(super) struct PreviousRevision {
    pub(super) record: RevisionRecord,
    /// SHA-256 of the record, as it is stored.
    pub(super) digest: String,
    /// A line of the plan, if other means changed what runs.
    pub(super) changed: Option<String>,
}

/// Finds what a rollout goes back to. Other means may change what runs between two plans, so each plan compares and records it anew.
pub(super) async fn find_or_adopt(
    context: &Context,
    world: &World,
    application: &FlinkApplication,
    current: &Current,
    target: &RevisionRecord,
) -> Result<PreviousRevision, EffectError> {
    let store = context.revisions();
    let adoption = Adoption { context, world, application, current, target };
    let Some(number) = application.status.as_ref().and_then(|status| status.revision) else {
        let number = find_free_number(context, world, application, target.revision).await?;
        let record = adoption.build_record(number, None).await?;
        store.write(&record).await?;
        return Ok(PreviousRevision { digest: record.digest()?, record, changed: None });
    };
    let mut changed = None;
    let known = match store.read_known(&application.name_any(), number, digest_in(application, number)).await {
        Ok(known) => Some(known),
        Err(RecordError::Missing(_)) => None,
        Err(replaced @ RecordError::Replaced(_)) => {
            changed = Some(format!("~ what runs is recorded anew: {replaced}"));
            None
        }
        Err(other) => return Err(other.into()),
    };
    if let Some((record, digest)) = known.clone() {
        let fields = find_changed_fields(context, world, current, &record).await?;
        if fields.is_empty() {
            return Ok(PreviousRevision { record, digest, changed: None });
        }
        changed = Some(format!(
            "~ what runs was changed by other means than Lockkeeper since revision {number}: {}",
            shorten_fields(&fields)
        ));
    }
    // The claim's own number is the target's, so one more is taken. Nobody else can take it while the claim is held.
    let next_number = target.revision + 1;
    context.application_record().take_number(application, next_number).await?;
    let record = adoption.build_record(next_number, known.as_ref().map(|(record, _)| record)).await?;
    store.write(&record).await?;
    Ok(PreviousRevision { digest: record.digest()?, record, changed })
}

/// The digest of a revision's record, from the application's history. Only the bot writes the history.
pub(super) fn digest_in(application: &FlinkApplication, number: u32) -> Option<&str> {
    let revisions = &application.status.as_ref()?.revisions;
    revisions.iter().find(|known| known.number == number)?.record_digest.as_deref()
}

/// What other means installed gets the number 0. If an earlier record has 0, it gets the number that the claim left free.
async fn find_free_number(
    context: &Context,
    world: &World,
    application: &FlinkApplication,
    revision: u32,
) -> Result<u32, EffectError> {
    match context.revisions().read(&application.name_any(), 0).await {
        Ok(record) if record.rollout_uid == world.uid() => Ok(0),
        Ok(_) | Err(RecordError::Unreadable { .. }) => Ok(revision.saturating_sub(1)),
        Err(RecordError::Missing(_)) => Ok(0),
        Err(other) => Err(other.into()),
    }
}
