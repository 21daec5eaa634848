//! The pod template that runs now.

use serde_json::Value;

use super::super::effect_error::EffectError;
use crate::cluster::Workload;

pub(super) fn template_json<T: serde::Serialize>(template: &T) -> Result<Value, EffectError> {
    serde_json::to_value(template).map_err(|error| EffectError::refused(error.to_string()))
}

/// The template of the `ReplicaSet` that owns the live pods, or the Deployment's own where none runs.
pub(super) fn template_that_runs(workload: &Workload) -> Result<Value, EffectError> {
    let set = workload.live_replica_set().and_then(|set| set.spec.as_ref()?.template.as_ref());
    let own = || workload.deployment.as_ref().and_then(|deployment| Some(&deployment.spec.as_ref()?.template));
    let mut template = template_json(&set.or_else(own))?;
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove("pod-template-hash");
    }
    Ok(template)
}
