//! The client for Flink's REST API.

use std::time::Duration;

use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    answers::{Checkpoints, ExceptionEntry, Exceptions, JobDetail, JobOverview, SavepointOperation, WebConfiguration},
    error::{FlinkError, interpret},
    job_settings::{CheckpointConfiguration, JobConfiguration},
    question::Question,
};
use crate::{
    api::{JobId, SavepointFormat},
    proxy::{Endpoint, Proxy},
};

const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The parameters of a stop with savepoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopRequest {
    /// We choose this id, so that a repeated request with the same id does not start a second stop (Flink 1.15 and later).
    pub trigger_id: String,
    /// The target directory, which only this rollout uses.
    pub directory: String,
    pub format: SavepointFormat,
}

/// A client for Flink's REST API at one endpoint. It never retries.
#[derive(Clone)]
pub struct FlinkClient {
    proxy: Proxy,
    endpoint: Endpoint,
}

impl FlinkClient {
    #[must_use]
    pub fn new(proxy: Proxy, endpoint: Endpoint) -> Self {
        Self { proxy, endpoint }
    }

    async fn get<T: DeserializeOwned>(&self, question: Question<'_>) -> Result<T, FlinkError> {
        let value = self.send(Method::GET, question, None).await?;
        serde_json::from_value(value).map_err(|error| {
            let path = question.path().unwrap_or_default();
            FlinkError::Unknown(format!("the answer to {path} cannot be parsed: {error}"))
        })
    }

    async fn send(&self, method: Method, question: Question<'_>, body: Option<&Value>) -> Result<Value, FlinkError> {
        let path = self.endpoint.path(&question.path()?)?;
        interpret(&self.proxy.send(method, &path, body, REQUEST_TIMEOUT).await?)
    }

    /// Reads the configuration of Flink's web interface.
    pub async fn web_configuration(&self) -> Result<WebConfiguration, FlinkError> {
        self.get(Question::WebConfiguration).await
    }

    /// Reads all jobs that the `JobManager` knows.
    pub async fn jobs(&self) -> Result<Vec<JobOverview>, FlinkError> {
        #[derive(serde::Deserialize)]
        struct Jobs {
            jobs: Vec<JobOverview>,
        }
        Ok(self.get::<Jobs>(Question::Jobs).await?.jobs)
    }

    pub async fn job(&self, job: &JobId) -> Result<JobDetail, FlinkError> {
        self.get(Question::Job(job)).await
    }

    pub async fn checkpoints(&self, job: &JobId) -> Result<Checkpoints, FlinkError> {
        self.get(Question::Checkpoints(job)).await
    }

    /// Reads how a job takes checkpoints.
    pub async fn checkpoint_configuration(&self, job: &JobId) -> Result<CheckpointConfiguration, FlinkError> {
        self.get(Question::CheckpointConfiguration(job)).await
    }

    /// Reads the configuration that a job was started with.
    pub async fn job_configuration(&self, job: &JobId) -> Result<JobConfiguration, FlinkError> {
        self.get(Question::JobConfiguration(job)).await
    }

    pub async fn exceptions(&self, job: &JobId) -> Result<Exceptions, FlinkError> {
        self.get(Question::Exceptions(job)).await
    }

    /// Reads the effective configuration of the `JobManager`.
    pub async fn configuration(&self) -> Result<std::collections::BTreeMap<String, String>, FlinkError> {
        #[derive(serde::Deserialize)]
        struct Entry {
            key: String,
            value: String,
        }
        let entries: Vec<Entry> = self.get(Question::Configuration).await?;
        Ok(entries.into_iter().map(|entry| (entry.key, entry.value)).collect())
    }

    /// Reads the total and the available task slots of all registered `TaskManagers`.
    pub async fn slots(&self) -> Result<(u32, u32), FlinkError> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "kebab-case")]
        struct Overview {
            slots_total: u32,
            slots_available: u32,
        }
        let overview: Overview = self.get(Question::Overview).await?;
        Ok((overview.slots_total, overview.slots_available))
    }

    /// Reads a metric of a job, or of one vertex as the sum over its subtasks. Flink answers an unknown name with no value.
    pub async fn metric(&self, job: &JobId, vertex: Option<&str>, name: &str) -> Result<Option<f64>, FlinkError> {
        let (question, field) = match vertex {
            Some(vertex) => (Question::VertexMetric { job, vertex, name }, "sum"),
            None => (Question::JobMetric { job, name }, "value"),
        };
        let answer: Value = self.get(question).await?;
        let value = answer.get(0).and_then(|metric| metric.get(field));
        Ok(value.and_then(|value| value.as_f64().or_else(|| value.as_str()?.parse().ok())))
    }

    /// Requests a stop with savepoint. Flink's 202 does not mean success, not even that the job exists.
    pub async fn stop_with_savepoint(&self, job: &JobId, request: &StopRequest) -> Result<(), FlinkError> {
        let body = json!({
            "targetDirectory": request.directory, "drain": false, "formatType": request.format, "triggerId": request.trigger_id,
        });
        self.send(Method::POST, Question::Stop(job), Some(&body)).await.map(drop)
    }

    /// Reads the status of the stop. Call it only after the savepoint's path is recorded, or if there is no savepoint.
    ///
    /// With Flink's defaults, the `JobManager` exits as soon as someone has read the status COMPLETED.
    pub async fn stop_status(&self, job: &JobId, trigger_id: &str) -> Result<SavepointOperation, FlinkError> {
        let answer: Value = self.get(Question::StopStatus { job, trigger_id }).await?;
        Ok(parse_operation(&answer))
    }
}

fn parse_operation(answer: &Value) -> SavepointOperation {
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
    fn a_completed_operation_may_have_failed() {
        assert_eq!(
            parse_operation(&json!({"status": {"id": "IN_PROGRESS"}, "operation": null})),
            SavepointOperation::InProgress
        );
        assert_eq!(
            parse_operation(&json!({"status": {"id": "COMPLETED"}, "operation": {"location": "file:/sp"}})),
            SavepointOperation::Completed("file:/sp".into())
        );
        let failed = json!({"status": {"id": "COMPLETED"}, "operation": {"failure-cause": {"class": "X", "stack-trace": "X: a\nCaused by: Y: b"}}});
        assert!(matches!(parse_operation(&failed), SavepointOperation::Failed { cause, .. } if cause == "Y: b"));
    }
}
