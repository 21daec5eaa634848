//! Kubernetes Events for each stage. They are a convenience for people: nothing waits for one.

use std::time::Duration;

use kube::{
    Client, Resource as _,
    runtime::events::{Event, EventType, Recorder, Reporter},
};

use crate::{
    api::{FlinkRollout, FlinkRolloutStatus, ResultKind},
    text::error_chain,
};

/// Nothing waits longer for an Event.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(5);

/// Publishes Events about rollouts.
pub struct Events {
    recorder: Recorder,
}

impl Events {
    /// As this process.
    #[must_use]
    pub fn new(client: Client, instance: String) -> Self {
        Self {
            recorder: Recorder::new(client, Reporter { controller: "lockkeeper".to_owned(), instance: Some(instance) }),
        }
    }

    /// Says that a rollout entered a stage, halted or ended.
    pub async fn stage(&self, rollout: &FlinkRollout, before: &FlinkRolloutStatus, after: &FlinkRolloutStatus) {
        let bad =
            after.halt.is_some() || after.result.as_ref().is_some_and(|result| result.kind != ResultKind::Succeeded);
        let left =
            after.stages.iter().rev().find(|record| record.ended_at.is_some()).filter(|_| before.phase != after.phase);
        let evidence = left.map_or_else(String::new, |record| format!("{}: {}", record.stage, record.evidence));
        let note = if after.message.is_empty() { evidence } else { after.message.clone() };
        let event = Event {
            type_: if bad { EventType::Warning } else { EventType::Normal },
            reason: after.phase.clone(),
            note: Some(note.chars().take(1000).collect()),
            action: format!("{:?}", after.direction),
            secondary: None,
        };
        self.publish(rollout, &event).await;
    }

    /// Says that a rollout cannot go on for now. The recorder counts repeats in one Event.
    pub async fn reconcile_failed(&self, rollout: &FlinkRollout, what: &str) {
        let event = Event {
            type_: EventType::Warning,
            reason: "ReconcileFailed".to_owned(),
            note: Some(what.chars().take(1000).collect()),
            action: "Reconcile".to_owned(),
            secondary: None,
        };
        self.publish(rollout, &event).await;
    }

    async fn publish(&self, rollout: &FlinkRollout, event: &Event) {
        match tokio::time::timeout(PUBLISH_TIMEOUT, self.recorder.publish(event, &rollout.object_ref(&()))).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = error_chain(&error), "could not publish an Event"),
            Err(_) => tracing::warn!("could not publish an Event: Kubernetes does not answer"),
        }
    }
}
