//! Writes `FlinkRollouts`: creates them, appends decisions, and writes status and finalizer.

use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions},
};
use serde_json::{Map, Value, json};

use super::size_limit;
use crate::{
    api::{Decision, FlinkRollout, FlinkRolloutStatus, ROLLOUT_FINALIZER},
    cluster::{WriteError, classify},
};

/// Writes the rollouts of one namespace.
#[derive(Clone)]
pub struct RolloutRecord {
    api: Api<FlinkRollout>,
}

impl RolloutRecord {
    #[must_use]
    pub fn new(client: Client, namespace: &str) -> Self {
        Self { api: Api::namespaced(client, namespace) }
    }

    /// Creates a rollout. If one with the same name and request exists, returns that one.
    pub async fn create(&self, rollout: &FlinkRollout) -> Result<FlinkRollout, WriteError> {
        let name = rollout.name_any();
        match self.api.create(&PostParams::default(), rollout).await {
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                let live =
                    self.api.get(&name).await.map_err(|error| classify(format!("FlinkRollout {name}"), error))?;
                if live.spec.request == rollout.spec.request {
                    Ok(live)
                } else {
                    Err(WriteError::Conflict { object: format!("FlinkRollout {name}") })
                }
            }
            other => other.map_err(|error| classify(format!("FlinkRollout {name}"), error)),
        }
    }

    /// Appends a decision. A repeated call changes nothing.
    ///
    /// Each decision has its own field manager, so two decisions at the same time do not overwrite each other.
    pub async fn append_decision(&self, rollout: &str, decision: &Decision) -> Result<(), WriteError> {
        let manager = format!("lockkeeper-decision-{}", decision.id);
        let body = json!({
            "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkRollout", "metadata": { "name": rollout },
            "spec": { "decisions": [decision] },
        });
        let params = PatchParams::apply(&manager);
        let written = self.api.patch(rollout, &params, &Patch::Apply(&body)).await.map(drop);
        if let Err(kube::Error::Api(status)) = &written
            && status.code == 422
            && self.has_decision(rollout, &decision.id).await
        {
            // The decision is already recorded with an earlier time, and the CEL rules allow no change of it.
            return Ok(());
        }
        written.map_err(|error| classify(format!("the decision on FlinkRollout {rollout}"), error))
    }

    async fn has_decision(&self, rollout: &str, id: &str) -> bool {
        let live = self.api.get(rollout).await;
        live.is_ok_and(|live| live.spec.decisions.iter().any(|decision| decision.id == id))
    }

    /// Writes the changed fields of the status and returns the new rollout. The write fails if the resource version has changed.
    pub async fn write_status(
        &self,
        rollout: &FlinkRollout,
        status: &FlinkRolloutStatus,
    ) -> Result<FlinkRollout, WriteError> {
        let name = rollout.name_any();
        let label = format!("the status of FlinkRollout {name}");
        let old = serde_json::to_value(&rollout.status).unwrap_or(Value::Null);
        let new = serde_json::to_value(size_limit::fit(status))
            .map_err(|error| WriteError::Refused { object: label.clone(), reason: error.to_string() })?;
        let body = json!({
            "metadata": { "resourceVersion": rollout.resource_version() },
            "status": merge_patch(&old, &new),
        });
        self.api
            .patch_status(&name, &PatchParams::default(), &Patch::Merge(&body))
            .await
            .map_err(|error| classify(label, error))
    }

    /// Deletes an ended rollout, if it is still the one that was read. Its record of Slack messages goes with it.
    pub async fn delete_ended(&self, rollout: &FlinkRollout) -> Result<(), WriteError> {
        let name = rollout.name_any();
        let this_one = Preconditions { uid: rollout.uid(), resource_version: rollout.resource_version() };
        let params = DeleteParams { preconditions: Some(this_one), ..DeleteParams::background() };
        let deleted = self.api.delete(&name, &params).await.map(drop);
        deleted.map_err(|error| classify(format!("FlinkRollout {name}"), error))
    }

    /// Adds or removes our finalizer.
    pub async fn set_finalizer(&self, rollout: &FlinkRollout, on: bool) -> Result<(), WriteError> {
        let name = rollout.name_any();
        let mut finalizers = rollout.finalizers().to_vec();
        finalizers.retain(|finalizer| finalizer != ROLLOUT_FINALIZER);
        if on {
            finalizers.push(ROLLOUT_FINALIZER.to_owned());
        }
        if finalizers == rollout.finalizers() {
            return Ok(());
        }
        let body = json!({ "metadata": { "resourceVersion": rollout.resource_version(), "finalizers": finalizers } });
        let written = self.api.patch(&name, &PatchParams::default(), &Patch::Merge(&body)).await;
        written.map(drop).map_err(|error| classify(format!("FlinkRollout {name}"), error))
    }
}

/// Computes the JSON merge patch (RFC 7386) that changes `old` into `new`.
fn merge_patch(old: &Value, new: &Value) -> Value {
    let (Value::Object(old), Value::Object(new)) = (old, new) else { return new.clone() };
    let mut patch = Map::new();
    for (key, value) in new {
        match old.get(key) {
            Some(before) if before == value => {}
            Some(before) => {
                patch.insert(key.clone(), merge_patch(before, value));
            }
            None => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    Value::Object(patch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changed_fields_are_written() {
        let old = json!({"stage": "Stop", "halt": {"message": "x"}, "job": {"id": "a", "at": 1}, "list": [1]});
        let new = json!({"stage": "Deploy", "job": {"id": "a", "at": 2}, "list": [1, 2]});
        assert_eq!(merge_patch(&old, &new), json!({"stage": "Deploy", "halt": null, "job": {"at": 2}, "list": [1, 2]}));
        assert_eq!(merge_patch(&Value::Null, &new), new);
    }
}
