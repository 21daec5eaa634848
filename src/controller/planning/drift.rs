//! Finds what other means changed since the record was written.

use kube::ResourceExt;

use super::{
    super::{context::Context, effect_error::EffectError},
    live_template::{running_template, to_json},
};
use crate::{
    api::Current,
    bake::{differing_fields, without_start},
    cluster::{DEPLOYMENT, WriteError, pod_template},
    record::RevisionRecord,
    rollout::World,
    text::truncate,
};

const MAX_FIELDS: usize = 4;
/// The list is a line of the status, and the size of a status is limited.
const MAX_LIST_CHARACTERS: usize = 400;

/// Names the fields in which the running templates differ from their record. Their values are never named. A dry run
/// adds the API server's defaults to the record. If nothing runs, nothing is compared: only the record says what ran.
pub(super) async fn find_changed_fields(
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
            Ok(written) => to_json(&written.spec.map(|spec| spec.template))?,
            // The API server refuses another selector: the Deployment was deleted and created again.
            Err(WriteError::Refused { .. }) => {
                changed.push(format!("Deployment {name}"));
                continue;
            }
            Err(other) => return Err(other.into()),
        };
        let (expected, runs) = (without_start(&expected), without_start(&running_template(workload)?));
        if expected != runs {
            let fields = differing_fields(&expected, &runs);
            changed.extend(fields.into_iter().map(|field| format!("{field} of Deployment {name}")));
        }
    }
    Ok(changed)
}

pub(super) fn shorten_fields(fields: &[String]) -> String {
    let named = fields.iter().take(MAX_FIELDS).cloned().collect::<Vec<_>>().join(", ");
    let named = truncate(&named, MAX_LIST_CHARACTERS);
    match fields.len().saturating_sub(MAX_FIELDS) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
