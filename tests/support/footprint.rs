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
    generations: [Option<i64>; 2],
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
        eventually("a job of which every task runs", Duration::from_secs(300), || {
            let overview = self.flink("/jobs/overview")?;
            let jobs = overview.get("jobs")?.as_array()?.clone();
            let mut live = jobs.into_iter().filter(|job| text(job, "/state") != "FINISHED");
            let only = live.next().filter(|_| live.next().is_none())?;
            let total = only.pointer("/tasks/total")?.as_i64()?;
            (total > 0 && only.pointer("/tasks/running")?.as_i64() == Some(total)).then_some(only)
        })
        .await
    }

    /// The footprint, as soon as every replica has its pod and none is on its way out.
    pub async fn footprint(&self) -> Footprint {
        let job = self.running_job().await;
        let (generations, pods) = eventually("as many pods as replicas", Duration::from_secs(300), || {
            let both = ["jobmanager", "taskmanager"].map(|component| self.deployment(component));
            let number =
                |pointer| both.each_ref().map(|deployment| deployment.pointer(pointer).and_then(Value::as_i64));
            let pods = self.pods();
            let wanted: i64 = number("/spec/replicas").into_iter().flatten().sum();
            (usize::try_from(wanted) == Ok(pods.len())).then(|| (number("/metadata/generation"), pods))
        })
        .await;
        Footprint {
            job: text(&job, "/jid").to_owned(),
            started: job["start-time"].as_i64().unwrap(),
            generations,
            pods,
        }
    }

    /// Uids of the pods, with the restarts of a JobManager's container: each would begin the job anew.
    fn pods(&self) -> BTreeMap<String, i64> {
        let selector = format!("app.kubernetes.io/instance={}", self.name);
        let pods = self.sandbox.kubectl(&["-n", &self.namespace.name, "get", "pods", "-l", &selector, "-o", "json"]);
        let pods: Value = serde_json::from_str(&pods).unwrap();
        let each = pods["items"].as_array().unwrap().iter().map(|pod| {
            let component = text(pod, "/metadata/labels/app.kubernetes.io~1component");
            let restarts = pod.pointer("/status/containerStatuses/0/restartCount").and_then(Value::as_i64);
            let restarts = restarts.filter(|_| component == "jobmanager").unwrap_or_default();
            (text(pod, "/metadata/uid").to_owned(), restarts)
        });
        each.collect()
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
