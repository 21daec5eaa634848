//! What leaves the controller as a text for people: it never holds a secret value that this process knows.
//!
//! Only texts are masked. Paths, names and digests are compared, so they stay as they are.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::{
    api::FlinkRolloutStatus,
    rollout::{EffectResult, World},
    secrets::Redactor,
    text::truncate,
};

/// The secret values of each application, as far as this process has read them.
#[derive(Debug, Default)]
pub struct SecretValues(Mutex<HashMap<String, Redactor>>);

impl SecretValues {
    /// Adds values. They stay known: an old value may still be valid.
    pub(super) fn learn(&self, application: &str, values: &Redactor) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(application.to_owned()).or_default().learn_all(values);
    }

    /// Whether values of this application were read.
    pub(super) fn knows(&self, application: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(application)
    }

    /// What is known of the application of a rollout, without the names that the texts need. A Secret may hold such a name too, for example
    /// as the name of a user.
    pub(super) fn redactor_for(&self, world: &World) -> Redactor {
        let mut known = self.redactor(&world.rollout.spec.request.application);
        for name in public_names(world) {
            known.forget(&name);
        }
        known
    }

    /// What is known of an application. It may be nothing; then only the values of sensitive keys are masked.
    pub(super) fn redactor(&self, application: &str) -> Redactor {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(application).cloned().unwrap_or_default()
    }
}

fn public_names(world: &World) -> Vec<String> {
    let metadata = &world.rollout.metadata;
    let mut names = vec!["lockkeeper".to_owned(), world.rollout.spec.request.application.clone()];
    names.extend([&metadata.name, &metadata.namespace].into_iter().flatten().cloned());
    names.extend(world.rollout.spec.request.version.clone());
    if let Some(plan) = world.plan() {
        names.extend(plan.settings.deployments.iter().cloned());
        names.extend(
            [&plan.settings.rest_service.name, &plan.to_version, &plan.target.kubernetes_cluster_id].map(Clone::clone),
        );
        names.extend(plan.from_version.clone());
    }
    names
}

/// Masks the causes that a log and Flink's exceptions name. They are recorded and compared with the next ones, so they are masked before.
pub(super) fn mask_world(world: &mut World, known: &Redactor) {
    world.logged_cause = world.logged_cause.take().map(|cause| known.mask(&cause));
    let exceptions = world.flink.exceptions.as_mut().map(|exceptions| &mut exceptions.exception_history.entries);
    for entry in exceptions.into_iter().flatten() {
        entry.stacktrace = known.mask(&entry.stacktrace);
    }
}

/// Masks the texts of a result.
pub(super) fn mask_result(result: EffectResult, known: &Redactor) -> EffectResult {
    match result {
        EffectResult::NotNow(why) => EffectResult::NotNow(known.mask(&why)),
        EffectResult::Refused(mut refusal) => {
            refusal.message = known.mask(&refusal.message);
            EffectResult::Refused(refusal)
        }
        other => other,
    }
}

/// Masks the texts of a status.
#[must_use]
pub(super) fn mask_status(mut status: FlinkRolloutStatus, known: &Redactor) -> FlinkRolloutStatus {
    let mut texts: Vec<&mut String> = vec![&mut status.message];
    texts.extend(status.operations.iter_mut().filter_map(|operation| operation.last_error.as_mut()));
    texts.extend(status.stages.iter_mut().map(|stage| &mut stage.evidence));
    texts.extend(status.failure.iter_mut().map(|failure| &mut failure.message));
    texts.extend(status.halt.iter_mut().map(|halt| &mut halt.message));
    for result in status.ending.iter_mut().chain(&mut status.result) {
        texts.push(&mut result.message);
        texts.extend(result.choices.iter_mut().map(|choice| &mut choice.cost));
    }
    if let Some(plan) = &mut status.plan {
        texts.extend(&mut plan.warnings);
        let job = plan.current.as_mut().and_then(|current| current.job.as_mut());
        texts.extend(job.into_iter().flat_map(|job| &mut job.conditions).map(|condition| &mut condition.text));
    }
    for text in texts {
        // The API server refuses a status with a longer text. Each of these may have 1024 characters or more.
        let max = text.chars().count().max(1000);
        *text = truncate(&known.mask(text), max);
    }
    status
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn known() -> Redactor {
        let mut known = Redactor::default();
        known.learn("MARKER-42");
        known
    }

    #[test]
    fn no_text_of_a_status_shows_a_secret_value() {
        let text = "login with MARKER-42 failed, password=OTHER-MARKER";
        let at = "2026-01-01T12:00:00Z";
        let result = json!({"kind": "RolledBack", "message": text, "at": at,
            "choices": [{"startFrom": {"kind": "Current"}, "cost": text}]});
        let status: FlinkRolloutStatus = serde_json::from_value(json!({
            "message": text,
            "operations": [{"name": "a", "id": "b", "startedAt": at, "lastError": text}],
            "stages": [{"stage": "Plan", "direction": "Forward", "startedAt": at, "evidence": text}],
            "failure": {"stage": "Verify", "message": text, "at": at},
            "halt": {"stage": "Verify", "kind": "NeedsDecision", "message": text, "parked": false, "commands": [], "at": at},
            "ending": result, "result": result,
        }))
        .unwrap();
        let written = serde_json::to_string(&mask_status(status, &known())).unwrap();
        assert!(!written.contains("MARKER"), "{written}");
    }

    #[test]
    fn a_masked_status_stays_as_it_is() {
        let status: FlinkRolloutStatus =
            serde_json::from_value(json!({"message": "token: MARKER-42 and password=x"})).unwrap();
        let once = mask_status(status, &known());
        assert_eq!(mask_status(once.clone(), &known()), once);
    }

    #[test]
    fn the_texts_of_a_result_are_masked() {
        let masked = |result: EffectResult| format!("{:?}", mask_result(result, &known()));
        let text = "Kubernetes refused Secret x: Invalid value: \"MARKER-42\"".to_owned();
        assert!(!masked(EffectResult::NotNow(text.clone())).contains("MARKER"));
        assert!(!masked(EffectResult::Refused(crate::rollout::Refusal::new(text))).contains("MARKER"));
    }

    #[test]
    fn what_was_read_of_an_application_stays_known() {
        let values = SecretValues::default();
        assert!(!values.knows("orders"));
        values.learn("orders", &known());
        values.learn("orders", &Redactor::default());
        assert!(values.knows("orders") && !values.knows("payments"));
        assert_eq!(values.redactor("orders").mask("MARKER-42"), "***");
        assert_eq!(values.redactor("payments").mask("password=x"), "password=***");
    }
}
