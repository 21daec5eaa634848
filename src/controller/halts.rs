//! Counts the halted rollouts for `/metrics`, so that a halt is seen while Slack is down. The numbers come from the controllers' own
//! watches, so they are complete right after a start.

use std::sync::Arc;

use dashmap::DashMap;
use kube::{ResourceExt, core::DeserializeGuard, runtime::reflector::Store};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::api::FlinkRollout;

type Gauges<L> = Family<L, Gauge>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NamespaceLabels {
    namespace: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RolloutLabels {
    namespace: String,
    application: String,
    rollout: String,
}

/// The rollouts of each namespace, as the controller's watch has them.
#[derive(Clone, Default)]
pub struct Halts {
    stores: Arc<DashMap<String, Store<DeserializeGuard<FlinkRollout>>>>,
}

impl Halts {
    pub(super) fn watch(&self, namespace: &str, store: Store<DeserializeGuard<FlinkRollout>>) {
        self.stores.insert(namespace.to_owned(), store);
    }

    /// Forgets a namespace that another process has taken: nothing is known of it any more.
    pub fn forget(&self, namespace: &str) {
        self.stores.remove(namespace);
    }

    /// The metrics as Prometheus reads them.
    #[must_use]
    pub fn as_text(&self) -> String {
        let metrics = Metrics::default();
        for store in self.stores.iter() {
            metrics.add_namespace(store.key());
            for rollout in store.value().state() {
                if let Ok(rollout) = &rollout.0 {
                    metrics.add(store.key(), rollout);
                }
            }
        }
        metrics.into_text()
    }
}

#[derive(Default)]
struct Metrics {
    halted: Gauges<NamespaceLabels>,
    halted_since: Gauges<RolloutLabels>,
}

impl Metrics {
    /// A count of 0 is there too. Without it, nothing would show whether the bot observes the namespace.
    fn add_namespace(&self, namespace: &str) {
        self.halted.get_or_create(&NamespaceLabels { namespace: namespace.to_owned() }).set(0);
    }

    fn add(&self, namespace: &str, rollout: &FlinkRollout) {
        let Some(status) = rollout.status.as_ref().filter(|status| status.result.is_none()) else { return };
        let Some(halt) = &status.halt else { return };
        self.halted.get_or_create(&NamespaceLabels { namespace: namespace.to_owned() }).inc();
        let labels = RolloutLabels {
            namespace: namespace.to_owned(),
            application: rollout.spec.request.application.clone(),
            rollout: rollout.name_any(),
        };
        self.halted_since.get_or_create(&labels).set(halt.at.0.as_second());
    }

    fn into_text(self) -> String {
        let mut registry = Registry::default();
        registry.register("lockkeeper_rollouts_halted", "Halted rollouts, which wait for a person", self.halted);
        registry.register(
            "lockkeeper_rollout_halted_since_seconds",
            "When a halted rollout halted, in seconds since 1970-01-01 UTC",
            self.halted_since,
        );
        let mut text = String::new();
        // Writing to a String never fails.
        _ = encode(&mut text, &registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rollout(name: &str, halted: bool, ended: bool) -> FlinkRollout {
        let at = "2026-01-01T00:00:00Z";
        let mut status = json!({ "stage": "Stop" });
        if halted {
            status["halt"] = json!({"stage": "Stop", "message": "m", "parked": false, "at": at});
        }
        if ended {
            status["result"] = json!({"kind": "Abandoned", "message": "", "at": at});
        }
        serde_json::from_value(json!({
            "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkRollout", "metadata": {"name": name},
            "spec": {"request": {"application": "orders", "by": "kubernetes:a", "kind": "Deploy", "version": "1"}},
            "status": status,
        }))
        .unwrap()
    }

    #[test]
    fn only_halted_rollouts_are_counted_with_the_time_of_their_halt() {
        let metrics = Metrics::default();
        metrics.add_namespace("bank");
        for (name, halted, ended) in [("a", true, false), ("b", false, false), ("c", true, true)] {
            metrics.add("shop", &rollout(name, halted, ended));
        }
        let text = metrics.into_text();
        let mut lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        lines.sort_unstable();
        assert_eq!(
            lines,
            [
                r#"lockkeeper_rollout_halted_since_seconds{namespace="shop",application="orders",rollout="a"} 1767225600"#,
                r#"lockkeeper_rollouts_halted{namespace="bank"} 0"#,
                r#"lockkeeper_rollouts_halted{namespace="shop"} 1"#,
            ]
        );
    }
}
