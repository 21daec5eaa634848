//! Finds what other means changed since the record was written.

use kube::ResourceExt;

use super::{
    super::{context::Context, effect_error::EffectError},
    live_template::{template_json, template_that_runs},
};
use crate::{
    api::Current,
    bake::{differing_fields, without_start},
    cluster::{DEPLOYMENT, WriteError, pod_template},
    record::RevisionRecord,
    rollout::World,
};

/// So many changed fields are named.
const MAX_FIELDS: usize = 4;
/// A status has little room.
const MAX_LIST_CHARACTERS: usize = 400;

/// The fields in which the templates that run differ from their record, never their values. The API server itself says, by a dry run,
/// what it makes of the record. Where nothing runs, nothing is compared: the record is all that is known of what ran.
pub(super) async fn changed_fields(
    context: &Context,
    world: &World,
    current: &Current,
    record: &RevisionRecord,
) -> Result<Vec<String>, EffectError> {
    let mut changed = Vec::new();
    if current.workloads.job_manager.replicas == 0 {
        return Ok(changed);
    }
    for workload in world.workloads.iter() {
        let Some(live) = &workload.deployment else { continue };
        let name = live.name_any();
        let recorded = record.object(DEPLOYMENT, &name).and_then(pod_template);
        let mut wanted = live.clone();
        let template = recorded.and_then(|template| serde_json::from_value(template.clone()).ok());
        let (Some(spec), Some(template)) = (wanted.spec.as_mut(), template) else {
            changed.push(format!("Deployment {name}"));
            continue;
        };
        spec.template = template;
        let expected = match context.writer().put_deployment(&wanted, true).await {
            Ok(written) => template_json(&written.spec.map(|spec| spec.template))?,
            // Its selector is another one: it was made anew.
            Err(WriteError::Refused { .. }) => {
                changed.push(format!("Deployment {name}"));
                continue;
            }
            Err(other) => return Err(other.into()),
        };
        let (expected, runs) = (without_start(&expected), without_start(&template_that_runs(workload)?));
        if expected != runs {
            let fields = differing_fields(&expected, &runs);
            changed.extend(fields.into_iter().map(|field| format!("{field} of Deployment {name}")));
        }
    }
    Ok(changed)
}

pub(super) fn shortened(fields: &[String]) -> String {
    let named = fields.iter().take(MAX_FIELDS).cloned().collect::<Vec<_>>().join(", ");
    let named: String = named.chars().take(MAX_LIST_CHARACTERS).collect();
    match fields.len().saturating_sub(MAX_FIELDS) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
