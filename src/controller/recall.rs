//! Reads the secret values that the pods of a revision get, so that no text shows them.

use kube::core::{ApiResource, DynamicObject, GroupVersionKind};

use super::{context::Context, effect_error::EffectError};
use crate::{
    bake::{Referenced, known_secrets, references},
    cluster::{pod_template, same_object},
    record::{RecordError, RevisionRecord},
    rollout::World,
    secrets::Redactor,
};

/// Reads the values of the Secrets in a record, and of those that its pods mount without rendering them.
pub(super) async fn read_secrets(context: &Context, record: &RevisionRecord) -> Result<Redactor, EffectError> {
    let mut known = known_secrets(&record.objects);
    let mounted = record.objects.iter().filter_map(pod_template).flat_map(references);
    let mounted: std::collections::BTreeSet<_> = mounted.filter(|(kind, _)| *kind == Referenced::Secret).collect();
    for (kind, name) in mounted {
        let wanted = DynamicObject::new(&name, &ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", kind.kind())));
        if record.objects.iter().any(|object| same_object(object, &wanted)) {
            continue;
        }
        if let Some(mut live) = context.writer().read_live(&wanted).await? {
            live.types = wanted.types;
            known.learn_all(&known_secrets(&[live]));
        }
    }
    Ok(known)
}

/// Learns them again after another process has made the plan. A failed read is tried again in the next round: no rollout waits for it.
pub(super) async fn recall_secrets(context: &Context, world: &World) {
    let application = &world.rollout.spec.request.application;
    let Some(plan) = world.plan().filter(|_| world.status().result.is_none()) else { return };
    if context.secrets.knows(application) {
        return;
    }
    let mut known = Redactor::default();
    for number in [Some(plan.target.revision), plan.previous_revision].into_iter().flatten() {
        let read = match context.revisions().read(application, number).await {
            Ok(record) => read_secrets(context, &record).await,
            Err(error @ RecordError::Api { .. }) => Err(error.into()),
            Err(_) => Ok(Redactor::default()),
        };
        let Ok(values) = read else {
            tracing::debug!(number, "the Secrets of the revision could not be read");
            return;
        };
        known.learn_all(&values);
    }
    context.secrets.learn(application, &known);
}
