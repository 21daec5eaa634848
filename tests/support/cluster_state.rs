//! The state of a running application in the cluster: its job, its pods, its Deployments and its HA metadata.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use crate::support::{
    application::{Application, text},
    sandbox::eventually,
};

const STABLE_TIMEOUT: Duration = Duration::from_secs(300);

/// What stays the same as long as nobody touches an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterState {
    pub job: String,
    started: i64,
    generations: [Option<i64>; 2],
    /// Restarts of the JobManager's container, by the pod's uid: each restart restarts the job.
    pods: BTreeMap<String, i64>,
}

impl Application {
    /// An answer of Flink's REST API through the API server's proxy. None while Flink does not answer.
    pub fn query_flink(&self, path: &str) -> Option<Value> {
        let url = format!("/api/v1/namespaces/{}/services/{}-rest:8081/proxy{path}", self.namespace.name, self.name);
        serde_json::from_str(&self.sandbox.try_kubectl(&["get", "--raw", &url], None).ok()?).ok()
    }

    /// Waits until there is one job and all its tasks run.
    pub async fn wait_for_running_job(&self) -> Value {
        eventually("one job with all its tasks running", STABLE_TIMEOUT, || {
            let overview = self.query_flink("/jobs/overview")?;
            let jobs = overview.get("jobs")?.as_array()?.clone();
            let mut live = jobs.into_iter().filter(|job| text(job, "/state") != "FINISHED");
            let only = live.next().filter(|_| live.next().is_none())?;
            let total = only.pointer("/tasks/total")?.as_i64()?;
            (total > 0 && only.pointer("/tasks/running")?.as_i64() == Some(total)).then_some(only)
        })
        .await
    }

    /// Reads the state once every replica has its pod and no pod is terminating.
    pub async fn observe_state(&self) -> ClusterState {
        let job = self.wait_for_running_job().await;
        let (generations, pods) = eventually("as many pods as replicas", STABLE_TIMEOUT, || {
            let both = ["jobmanager", "taskmanager"].map(|component| self.get_deployment(component));
            let number =
                |pointer| both.each_ref().map(|deployment| deployment.pointer(pointer).and_then(Value::as_i64));
            let pods = self.list_pods();
            let wanted: i64 = number("/spec/replicas").into_iter().flatten().sum();
            (usize::try_from(wanted) == Ok(pods.len())).then(|| (number("/metadata/generation"), pods))
        })
        .await;
        ClusterState {
            job: text(&job, "/jid").to_owned(),
            started: job["start-time"].as_i64().unwrap(),
            generations,
            pods,
        }
    }

    fn list_pods(&self) -> BTreeMap<String, i64> {
        let selector = format!("app.kubernetes.io/instance={}", self.name);
        let pods: Value = serde_json::from_str(&self.kubectl(&["get", "pods", "-l", &selector, "-o", "json"])).unwrap();
        let each = pods["items"].as_array().unwrap().iter().map(|pod| {
            let component = text(pod, "/metadata/labels/app.kubernetes.io~1component");
            let restarts = pod.pointer("/status/containerStatuses/0/restartCount").and_then(Value::as_i64);
            let restarts = restarts.filter(|_| component == "jobmanager").unwrap_or_default();
            (text(pod, "/metadata/uid").to_owned(), restarts)
        });
        each.collect()
    }

    /// The uids of the HA ConfigMaps of this application's cluster id, by name.
    pub fn ha_config_maps(&self) -> BTreeMap<String, String> {
        let selector = format!("app={},type=flink-native-kubernetes", self.name);
        let maps: Value =
            serde_json::from_str(&self.kubectl(&["get", "configmaps", "-l", &selector, "-o", "json"])).unwrap();
        let each = maps["items"].as_array().unwrap().iter();
        each.map(|map| (text(map, "/metadata/name").to_owned(), text(map, "/metadata/uid").to_owned())).collect()
    }

    /// The FlinkApplication's status.
    pub fn get_status(&self) -> Value {
        self.get(&format!("flinkapplication/{}", self.name)).get("status").cloned().unwrap_or_default()
    }
}
