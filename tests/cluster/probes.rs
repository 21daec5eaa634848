//! Probes of the users' own, and replicas that an autoscaler owns. Goes on with the chain of `bad_versions`.

use std::{collections::BTreeSet, time::Duration};

use lockkeeper::api::FlinkRolloutStatus;
use serde_json::{Value, json};

use crate::{
    bad_versions::Chain,
    support::{
        application::{Application, text},
        sandbox::eventually,
    },
};

/// A Service with the JobManager of one version behind it: while another version runs, nobody answers there.
fn health_of(version: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "orders-health"},
        "spec": {
            "selector": {
                "app.kubernetes.io/instance": "orders", "app.kubernetes.io/component": "jobmanager",
                "app.kubernetes.io/version": version,
            },
            "ports": [{"port": 80, "targetPort": 8081}],
        },
    })
}

/// Three probes that hold for 1.1.0.
pub fn hold_for_the_good_version(orders: &Application) {
    orders.sandbox.apply(&orders.namespace.name, &health_of("1.1.0"));
    orders.change(&json!({"monitor": {"probes": [
        {"name": "rest answers", "failuresAllowed": 2, "http": {"service": "orders-rest", "port": 8081, "path": "/overview", "expect": 200}},
        {"name": "counts add up", "failuresAllowed": 2, "flinkMetric": {"vertex": "count", "name": "count.sequenceBreaks", "op": "==", "value": 0.0}},
        {"name": "shop is healthy", "failuresAllowed": 2, "http": {"service": "orders-health", "port": 80, "path": "/overview"}},
    ]}}));
}

/// Every probe was asked, and held; from now on there is none.
pub fn held(orders: &Application, rollout: &Value) {
    let asked = rollout.pointer("/status/watch/probeFailures").unwrap().as_object().unwrap();
    let names: BTreeSet<&str> = asked.keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["rest answers", "counts add up", "shop is healthy"]));
    assert!(asked.values().all(|failures| failures.as_u64().is_some_and(|failures| failures <= 2)), "{asked:?}");
    orders.change(&json!({"monitor": {"probes": []}}));
}

impl Chain<'_> {
    /// 1.0.0 is good in every respect but one probe. So is 1.1.0 then: it is left running, halted, until what the probe asks is
    /// mended. The TaskManagers' count is an autoscaler's, and stays.
    pub async fn unhealthy_before_and_after(&mut self) {
        let (orders, slack) = (self.orders, self.slack);
        let namespace = orders.namespace.name.as_str();
        let scaler =
            ["autoscale", "deployment", "orders-taskmanager", "--name=scaler", "--min=1", "--max=4", "--cpu=80%"];
        self.kubectl(&scaler);
        orders.sandbox.apply(namespace, &health_of("9.9.9"));
        let shop = json!({"name": "shop is healthy", "failuresAllowed": 1, "http": {"service": "orders-health", "port": 80, "path": "/overview"}});
        orders.change(&json!({"monitor": {"probes": [shop]}}));
        let before = self.before();

        let (halted, thread) = orders.deploy(slack, "1.0.0").await;
        let name = text(&halted, "/metadata/name").to_owned();
        assert_eq!(text(&halted, "/status/phase"), "Halted", "{thread}");
        let replicas = before.deployments[1].pointer("/spec/replicas");
        assert_eq!(halted.pointer("/status/plan/target/taskManagerReplicas"), replicas, "1.0.0 itself says 1");
        assert!(thread.contains("HorizontalPodAutoscaler scaler owns the count, 1 to 4"), "{thread}");
        for words in ["the probe shop is healthy failed", "It is left running"] {
            assert!(thread.contains(words), "no {words:?} in\n{thread}");
        }
        assert_eq!(self.flink("/jobs/overview")["jobs"][0]["state"], "RUNNING");

        orders.sandbox.apply(namespace, &health_of("1.1.0"));
        self.shop_is_healthy().await;
        orders.click_on_card(slack, &name, "Resume", "rollout.resume").await;
        self.ended_as_before(&name, &before).await;
        orders.change(&json!({"monitor": {"probes": []}}));
        self.kubectl(&["delete", "hpa", "scaler"]);
    }

    /// Waits until what the probe asks answers: a Service gets its endpoints in its own time.
    async fn shop_is_healthy(&self) {
        let path =
            format!("/api/v1/namespaces/{}/services/orders-health:80/proxy/overview", self.orders.namespace.name);
        eventually("the shop is healthy", Duration::from_secs(120), || {
            self.orders.sandbox.try_kubectl(&["get", "--raw", &path], None).ok()
        })
        .await;
    }

    /// Without automatic rollback a person is asked, and the old version comes back at their word.
    pub async fn comes_back_when_told(&mut self) {
        let (orders, slack) = (self.orders, self.slack);
        orders.change(&json!({"automaticRollback": false}));
        let before = self.before();
        let (halted, thread) = orders.deploy(slack, "1.4.0").await;
        let name = text(&halted, "/metadata/name").to_owned();
        assert_eq!(text(&halted, "/status/phase"), "Halted", "{thread}");
        assert!(thread.contains("Automatic rollback is off for this application"), "{thread}");
        orders.click_on_card(slack, &name, "Roll back", "rollout.roll-back").await;
        self.ended_as_before(&name, &before).await;
        orders.change(&json!({"automaticRollback": true}));
    }

    async fn ended_as_before(&mut self, name: &str, before: &crate::bad_versions::Before) {
        let parked = |status: &FlinkRolloutStatus| status.halt.as_ref().is_some_and(|halt| halt.parked);
        let over = |status: &FlinkRolloutStatus| status.result.is_some() || parked(status);
        let status = self.orders.shows(name, "its end", over).await;
        assert!(status.result.is_some(), "{name} halted: {}", status.message);
        let rollout = self.orders.rollout(name);
        self.is_back(before, &rollout, &status.message);
        self.nothing_is_missing(name, &rollout).await;
    }
}
