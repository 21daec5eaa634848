//! The calls of Flink's REST API that Lockkeeper makes.

use std::time::Duration;

use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    answers::{Checkpoints, ExceptionEntry, Exceptions, JobDetail, JobOverview, SavepointOperation, WebConfiguration},
    error::{FlinkError, interpret},
};
use crate::{
    api::{JobId, SavepointFormat},
    proxy::{Endpoint, Proxy},
};

const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// What a stop with a savepoint is asked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopRequest {
    /// Our own id: a repeat with the same one is the same operation (Flink 1.15 and later).
    pub trigger_id: String,
    /// The rollout's own directory.
    pub directory: String,
    /// Canonical or native.
    pub format: SavepointFormat,
}

/// Flink's REST API at one endpoint. No call is ever retried here.
#[derive(Clone)]
pub struct FlinkClient {
    proxy: Proxy,
    endpoint: Endpoint,
}

impl FlinkClient {
    /// A client for one endpoint.
    #[must_use]
    pub fn new(proxy: Proxy, endpoint: Endpoint) -> Self {
        Self { proxy, endpoint }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, FlinkError> {
        let value = self.send(Method::GET, path, None).await?;
        serde_json::from_value(value)
            .map_err(|error| FlinkError::Unknown(format!("{path} answered something else: {error}")))
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, FlinkError> {
        let path = format!("{}{path}", self.endpoint.proxy_path());
        interpret(&self.proxy.send(method, &path, body, REQUEST_TIMEOUT).await?)
    }

    /// What its web interface works with.
    pub async fn web_configuration(&self) -> Result<WebConfiguration, FlinkError> {
        self.get("/config").await
    }

    /// All jobs that the `JobManager` knows.
    pub async fn jobs(&self) -> Result<Vec<JobOverview>, FlinkError> {
        #[derive(serde::Deserialize)]
        struct Jobs {
            jobs: Vec<JobOverview>,
        }
        Ok(self.get::<Jobs>("/jobs/overview").await?.jobs)
    }

    /// One job.
    pub async fn job(&self, job: &JobId) -> Result<JobDetail, FlinkError> {
        self.get(&format!("/jobs/{job}")).await
    }

    /// Its checkpoints.
    pub async fn checkpoints(&self, job: &JobId) -> Result<Checkpoints, FlinkError> {
        self.get(&format!("/jobs/{job}/checkpoints")).await
    }

    /// Its last exceptions.
    pub async fn exceptions(&self, job: &JobId) -> Result<Exceptions, FlinkError> {
        self.get(&format!("/jobs/{job}/exceptions?maxExceptions=8")).await
    }

    /// The effective configuration of the `JobManager`.
    pub async fn configuration(&self) -> Result<std::collections::BTreeMap<String, String>, FlinkError> {
        #[derive(serde::Deserialize)]
        struct Entry {
            key: String,
            value: String,
        }
        let entries: Vec<Entry> = self.get("/jobmanager/config").await?;
        Ok(entries.into_iter().map(|entry| (entry.key, entry.value)).collect())
    }

    /// The task slots of all registered `TaskManagers`.
    pub async fn slots(&self) -> Result<(u32, u32), FlinkError> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "kebab-case")]
        struct Overview {
            slots_total: u32,
            slots_available: u32,
        }
        let overview: Overview = self.get("/overview").await?;
        Ok((overview.slots_total, overview.slots_available))
    }

    /// Values of metrics of the job, or of one vertex summed over its subtasks. Unknown names are silently left out by Flink.
    pub async fn metric(&self, job: &JobId, vertex: Option<&str>, name: &str) -> Result<Option<f64>, FlinkError> {
        let (path, field) = match vertex {
            Some(vertex) => (format!("/jobs/{job}/vertices/{vertex}/subtasks/metrics?get={name}"), "sum"),
            None => (format!("/jobs/{job}/metrics?get={name}"), "value"),
        };
        let answer: Value = self.get(&path).await?;
        let value = answer.get(0).and_then(|metric| metric.get(field));
        Ok(value.and_then(|value| value.as_f64().or_else(|| value.as_str()?.parse().ok())))
    }

    /// Asks for a stop with a savepoint. 202 says nothing about success, not even that the job exists.
    pub async fn stop_with_savepoint(&self, job: &JobId, request: &StopRequest) -> Result<(), FlinkError> {
        let body = json!({
            "targetDirectory": request.directory, "drain": false, "formatType": request.format, "triggerId": request.trigger_id,
        });
        self.send(Method::POST, &format!("/jobs/{job}/stop"), Some(&body)).await.map(drop)
    }

    /// Reads the status of the stop. With Flink's defaults, reading a COMPLETED one releases the `JobManager`, which exits at once:
    /// only after the path is recorded, or where no savepoint was made.
    pub async fn stop_status(&self, job: &JobId, trigger_id: &str) -> Result<SavepointOperation, FlinkError> {
        let answer: Value = self.get(&format!("/jobs/{job}/savepoints/{trigger_id}")).await?;
        Ok(operation(&answer))
    }
}

fn operation(answer: &Value) -> SavepointOperation {
    let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str);
    if text("/status/id") != Some("COMPLETED") {
        return SavepointOperation::InProgress;
    }
    if let Some(location) = text("/operation/location") {
        return SavepointOperation::Completed(location.into());
    }
    let trace = text("/operation/failure-cause/stack-trace").unwrap_or_default();
    let entry = ExceptionEntry {
        exception_name: text("/operation/failure-cause/class").unwrap_or("no cause given").to_owned(),
        stacktrace: trace.to_owned(),
        ..ExceptionEntry::default()
    };
    SavepointOperation::Failed { cause: entry.headline(), trace: trace.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completed_does_not_mean_success() {
        assert_eq!(
            operation(&json!({"status": {"id": "IN_PROGRESS"}, "operation": null})),
            SavepointOperation::InProgress
        );
        assert_eq!(
            operation(&json!({"status": {"id": "COMPLETED"}, "operation": {"location": "file:/sp"}})),
            SavepointOperation::Completed("file:/sp".into())
        );
        let failed = json!({"status": {"id": "COMPLETED"}, "operation": {"failure-cause": {"class": "X", "stack-trace": "X: a\nCaused by: Y: b"}}});
        assert!(matches!(operation(&failed), SavepointOperation::Failed { cause, .. } if cause == "Y: b"));
    }
}
