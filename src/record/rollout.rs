//! A rollout's own object: its status, its finalizer, and decisions appended without losing any.

use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::{Map, Value, json};

use crate::{
    api::{Decision, FlinkRollout, FlinkRolloutStatus, ROLLOUT_FINALIZER},
    cluster::{WriteError, classify},
};

/// Writes rollouts of one namespace.
#[derive(Clone)]
pub struct RolloutRecord {
    api: Api<FlinkRollout>,
}

impl RolloutRecord {
    /// For one namespace.
    #[must_use]
    pub fn new(client: Client, namespace: &str) -> Self {
        Self { api: Api::namespaced(client, namespace) }
    }

    /// Creates a rollout. One of the same name with the same request is the same rollout.
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

    /// Appends a decision, with a field manager of its own so that two at once are both kept and a repeat is nothing.
    pub async fn decide(&self, rollout: &str, decision: &Decision) -> Result<(), WriteError> {
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
            // Said before, at another moment: the rules refuse to change what is there.
            return Ok(());
        }
        written.map_err(|error| classify(format!("the decision on FlinkRollout {rollout}"), error))
    }

    async fn has_decision(&self, rollout: &str, id: &str) -> bool {
        let live = self.api.get(rollout).await;
        live.is_ok_and(|live| live.spec.decisions.iter().any(|decision| decision.id == id))
    }

    /// Writes what changed of the status, at the resource version that was read; returns the rollout as it is then.
    pub async fn write_status(
        &self,
        rollout: &FlinkRollout,
        status: &FlinkRolloutStatus,
    ) -> Result<FlinkRollout, WriteError> {
        let name = rollout.name_any();
        let label = format!("the status of FlinkRollout {name}");
        let old = serde_json::to_value(&rollout.status).unwrap_or(Value::Null);
        let new = serde_json::to_value(status)
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

    /// Puts our finalizer on, or takes it off.
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

/// The JSON merge patch (RFC 7386) that turns `old` into `new`.
#[must_use]
pub fn merge_patch(old: &Value, new: &Value) -> Value {
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
    fn only_what_changed_is_written() {
        let old = json!({"stage": "Stop", "halt": {"message": "x"}, "job": {"id": "a", "at": 1}, "list": [1]});
        let new = json!({"stage": "Deploy", "job": {"id": "a", "at": 2}, "list": [1, 2]});
        assert_eq!(merge_patch(&old, &new), json!({"stage": "Deploy", "halt": null, "job": {"at": 2}, "list": [1, 2]}));
        assert_eq!(merge_patch(&Value::Null, &new), new);
    }
}
