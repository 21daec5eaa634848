//! The record of what runs: the one its rollout wrote, or where other means installed or changed it, what is live.

use kube::ResourceExt;

use super::{
    super::{context::Context, effect_error::EffectError},
    adoption::Adoption,
    drift::{changed_fields, shortened},
};
use crate::{
    api::{Current, FlinkApplication},
    record::{RecordError, RevisionRecord},
    rollout::World,
};

/// What runs.
pub(super) struct PreviousRevision {
    pub(super) record: RevisionRecord,
    /// A line of the plan where it is not what Lockkeeper started.
    pub(super) changed: Option<String>,
}

/// What a rollout goes back to. What runs may be changed by other means from plan to plan, so that it is recorded anew for each.
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
        let number = free_number(context, world, application, target.revision).await?;
        let record = adoption.record(number, None).await?;
        store.write(&record).await?;
        return Ok(PreviousRevision { record, changed: None });
    };
    let known = match store.read(&application.name_any(), number).await {
        Ok(record) => Some(record),
        Err(RecordError::Missing(_)) => None,
        Err(other) => return Err(other.into()),
    };
    let mut changed = None;
    if let Some(record) = known.clone() {
        let fields = changed_fields(context, world, current, &record).await?;
        if fields.is_empty() {
            return Ok(PreviousRevision { record, changed: None });
        }
        changed = Some(format!(
            "~ what runs was changed by other means than Lockkeeper since revision {number}: {}",
            shortened(&fields)
        ));
    }
    // The claim's own number is the target's: one more is taken, which nobody else can have while the claim is held.
    let fresh = target.revision + 1;
    context.application_record().take_number(application, fresh).await?;
    let record = adoption.record(fresh, known.as_ref()).await?;
    store.write(&record).await?;
    Ok(PreviousRevision { record, changed })
}

/// The number for what was installed by other means: 0, or the one that the claim left free where an earlier record has that.
async fn free_number(
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
