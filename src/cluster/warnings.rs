//! Reads Warning Events.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use kube::{Api, Client, ResourceExt, api::ListParams};

use super::workload::Workload;

/// Lists the namespace's Warning Events since a time. The API server cannot select the Events of several objects, so one list serves
/// all workloads of a round.
pub(super) async fn read_warnings(client: &Client, namespace: &str, since: Timestamp) -> kube::Result<Vec<Event>> {
    let params = ListParams::default().fields("type=Warning");
    let mut events = Api::<Event>::namespaced(client.clone(), namespace).list(&params).await?.items;
    events.retain(|event| last_seen_at(event).is_none_or(|at| at >= since));
    Ok(events)
}

/// The Events about the workload's pods and `ReplicaSets`.
pub(super) fn warnings_about(workload: &Workload, events: &[Event]) -> Vec<Event> {
    let pods = workload.pods.iter().filter_map(ResourceExt::uid);
    let uids: BTreeSet<String> = pods.chain(workload.replica_sets.iter().filter_map(ResourceExt::uid)).collect();
    let is_about = |event: &&Event| event.involved_object.uid.as_ref().is_some_and(|uid| uids.contains(uid));
    events.iter().filter(is_about).cloned().collect()
}

/// The time when an event was last seen. `lastTimestamp` has whole seconds, so it is rounded up to the end of its second.
fn last_seen_at(event: &Event) -> Option<Timestamp> {
    let end_of_second =
        |at: &crate::api::Time| at.0.checked_add(jiff::SignedDuration::from_millis(999)).unwrap_or(at.0);
    let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref()).map(|at| at.0);
    let last = event.last_timestamp.as_ref().map(end_of_second);
    series.max(last).or_else(|| event.event_time.as_ref().map(|at| at.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_event_was_last_seen_at_its_last_repetition() {
        let event = |more: serde_json::Value| {
            let mut event =
                serde_json::json!({"metadata": {}, "involvedObject": {}, "eventTime": "2026-01-01T11:00:00.000000Z"});
            event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            last_seen_at(&serde_json::from_value(event).unwrap()).unwrap().to_string()
        };
        assert_eq!(event(serde_json::json!({})), "2026-01-01T11:00:00Z");
        assert_eq!(event(serde_json::json!({"lastTimestamp": "2026-01-01T12:00:00Z"})), "2026-01-01T12:00:00.999Z");
        let series = serde_json::json!({"series": {"lastObservedTime": "2026-01-01T13:00:00.000000Z"}, "lastTimestamp": "2026-01-01T12:00:00Z"});
        assert_eq!(event(series), "2026-01-01T13:00:00Z");
    }
}
