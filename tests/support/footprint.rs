//! What a running application looks like from outside: its job, its pods, its templates, its HA metadata.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use super::{
    application::{Application, text},
    sandbox::eventually,
};

/// What stays the same as long as nobody touches an application: the job and its start, the Deployments and their pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footprint {
    pub job: String,
    started: i64,
    generations: [i64; 2],
    /// Uids of the pods, with the restarts of their containers.
    pods: BTreeMap<String, i64>,
}

impl Application {
    /// What Flink's REST API says, through the API server's proxy; none while it does not answer.
    pub fn flink(&self, path: &str) -> Option<Value> {
        let url = format!("/api/v1/namespaces/{}/services/{}-rest:8081/proxy{path}", self.namespace.name, self.name);
        serde_json::from_str(&self.sandbox.try_kubectl(&["get", "--raw", &url], None).ok()?).ok()
    }

    /// The one job, once every task of it runs.
    pub async fn running_job(&self) -> Value {
        eventually("a job of which every task runs", Duration::from_secs(120), || {
            let overview = self.flink("/jobs/overview")?;
            let jobs = overview.get("jobs")?.as_array()?.clone();
            let mut live = jobs.into_iter().filter(|job| text(job, "/state") != "FINISHED");
            let only = live.next().filter(|_| live.next().is_none())?;
            let total = only.pointer("/tasks/total")?.as_i64()?;
            (total > 0 && only.pointer("/tasks/running")?.as_i64() == Some(total)).then_some(only)
        })
        .await
    }

    /// The footprint now.
    pub async fn footprint(&self) -> Footprint {
        let job = self.running_job().await;
        let generation =
            |component: &str| self.deployment(component).pointer("/metadata/generation").unwrap().as_i64().unwrap();
        let pods = self.sandbox.get_json(&self.namespace.name, "pods");
        let ours = pods["items"].as_array().unwrap().iter().filter(|pod| {
            pod.pointer("/metadata/labels/app.kubernetes.io~1instance").and_then(Value::as_str) == Some(&self.name)
        });
        Footprint {
            job: text(&job, "/jid").to_owned(),
            started: job["start-time"].as_i64().unwrap(),
            generations: ["jobmanager", "taskmanager"].map(generation),
            pods: ours
                .map(|pod| {
                    let restarts = pod.pointer("/status/containerStatuses/0/restartCount").and_then(Value::as_i64);
                    (text(pod, "/metadata/uid").to_owned(), restarts.unwrap_or_default())
                })
                .collect(),
        }
    }

    /// The HA ConfigMaps of this application's cluster id, by name, with their uids.
    pub fn high_availability(&self) -> BTreeMap<String, String> {
        let selector = format!("app={},type=flink-native-kubernetes", self.name);
        let maps =
            self.sandbox.kubectl(&["-n", &self.namespace.name, "get", "configmaps", "-l", &selector, "-o", "json"]);
        let maps: Value = serde_json::from_str(&maps).unwrap();
        let each = maps["items"].as_array().unwrap().iter();
        each.map(|map| (text(map, "/metadata/name").to_owned(), text(map, "/metadata/uid").to_owned())).collect()
    }

    /// The FlinkApplication's status.
    pub fn status(&self) -> Value {
        let object = self.sandbox.get_json(&self.namespace.name, &format!("flinkapplication/{}", self.name));
        object.get("status").cloned().unwrap_or_default()
    }
}
