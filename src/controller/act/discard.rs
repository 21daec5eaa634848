//! Deletes the records and copies of a rollout that deployed nothing.

use kube::ResourceExt;

use super::super::{context::Context, effect_error::EffectError, objects::is_versioned};
use crate::{api::REVISION_LABEL, record::RecordError, rollout::World};

/// Deletes the rollout's own record, and the record of what runs if it was written for this rollout alone. Other means may change what
/// runs before the next rollout, so that rollout records it anew.
pub(super) async fn discard_unused(context: &Context, world: &World, revision: u32) -> Result<(), EffectError> {
    let adopted = world.application.as_ref().and_then(|application| application.status.as_ref()?.revision).is_none();
    if adopted {
        discard_record(context, world, 0).await?;
        discard_record(context, world, revision.saturating_sub(1)).await?;
    }
    // If other means changed what runs, its record has the number after the target's.
    discard_record(context, world, revision + 1).await?;
    discard_record(context, world, revision).await
}

async fn discard_record(context: &Context, world: &World, revision: u32) -> Result<(), EffectError> {
    let application = &world.rollout.spec.request.application;
    match context.revisions().read(application, revision).await {
        Ok(record) if record.rollout_uid != world.uid() => return Ok(()),
        Ok(record) => {
            let ours = record
                .objects
                .iter()
                .filter(|object| object.labels().get(REVISION_LABEL) == Some(&format!("{revision:03}")));
            for object in ours.filter(|object| is_versioned(object)) {
                if let Some(mut live) = context.writer().read_live(object).await? {
                    live.types.clone_from(&object.types);
                    context.writer().delete(&live).await?;
                }
            }
        }
        Err(RecordError::Missing(_)) => return Ok(()),
        Err(other) => return Err(other.into()),
    }
    Ok(context.revisions().delete(application, revision).await?)
}
