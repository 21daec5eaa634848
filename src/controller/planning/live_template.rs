//! Reads the pod template that runs now.

use serde_json::Value;

use super::super::effect_error::EffectError;
use crate::cluster::Workload;

pub(super) fn to_json<T: serde::Serialize>(template: &T) -> Result<Value, EffectError> {
    serde_json::to_value(template).map_err(|error| EffectError::refused(error.to_string()))
}

/// The template of the `ReplicaSet` that owns the live pods. If no pod runs, it is the Deployment's template.
pub(super) fn running_template(workload: &Workload) -> Result<Value, EffectError> {
    let set = workload.live_replica_set().and_then(|set| set.spec.as_ref()?.template.as_ref());
    let deployment_template =
        || workload.deployment.as_ref().and_then(|deployment| Some(&deployment.spec.as_ref()?.template));
    let mut template = to_json(&set.or_else(deployment_template))?;
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove("pod-template-hash");
    }
    Ok(template)
}
