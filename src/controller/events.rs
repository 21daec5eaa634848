//! Publishes Kubernetes Events for each stage. Events are only for people: no rollout depends on one.

use std::time::Duration;

use kube::{
    Client, Resource as _,
    runtime::events::{Event, EventType, Recorder, Reporter},
};

use crate::{
    api::{FlinkRollout, FlinkRolloutStatus, ResultKind},
    text::{error_chain, truncate},
};

/// How long a reconcile waits until an Event is published.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(5);
/// Kubernetes limits a note to 1 KiB.
const MAX_NOTE: usize = 1000;

pub struct Events {
    recorder: Recorder,
}

impl Events {
    #[must_use]
    pub fn new(client: Client, instance: String) -> Self {
        Self {
            recorder: Recorder::new(client, Reporter { controller: "lockkeeper".to_owned(), instance: Some(instance) }),
        }
    }

    /// Publishes that a rollout entered a stage, halted or ended.
    pub async fn publish_stage(&self, rollout: &FlinkRollout, before: &FlinkRolloutStatus, after: &FlinkRolloutStatus) {
        let is_bad =
            after.halt.is_some() || after.result.as_ref().is_some_and(|result| result.kind != ResultKind::Succeeded);
        let left_stage =
            after.stages.iter().rev().find(|record| record.ended_at.is_some()).filter(|_| before.phase != after.phase);
        let evidence = left_stage.map_or_else(String::new, |record| format!("{}: {}", record.stage, record.evidence));
        let note = if after.message.is_empty() { evidence } else { after.message.clone() };
        let event = Event {
            type_: if is_bad { EventType::Warning } else { EventType::Normal },
            reason: after.phase.clone(),
            note: Some(truncate(&note, MAX_NOTE)),
            action: format!("{:?}", after.direction),
            secondary: None,
        };
        self.publish(rollout, &event).await;
    }

    /// Publishes that a reconcile failed. The recorder counts repeats in one Event.
    pub async fn publish_failure(&self, rollout: &FlinkRollout, why: &str) {
        let event = Event {
            type_: EventType::Warning,
            reason: "ReconcileFailed".to_owned(),
            note: Some(truncate(why, MAX_NOTE)),
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
