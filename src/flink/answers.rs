//! The parts of Flink's answers that are read.

use serde::Deserialize;

/// The states of a job (`JobStatus`, Flink 2.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobState {
    /// The dispatcher knows it, the job manager does not run yet.
    Initializing,
    /// Nothing scheduled yet.
    Created,
    /// Says little: true with no `TaskManager` and between two crashes too.
    Running,
    /// On the way to RESTARTING or FAILED.
    Failing,
    /// Between two attempts.
    Restarting,
    /// On the way to CANCELED.
    Cancelling,
    /// Recovering after a failover.
    Reconciling,
    /// Ended here; high availability may resume it.
    Suspended,
    /// Ended for good: also the state after a stop with a savepoint.
    Finished,
    /// Ended for good by a cancellation.
    Canceled,
    /// Ended for good by a failure.
    Failed,
    /// A state that this program does not know.
    #[serde(other)]
    Other,
}

impl std::fmt::Display for JobState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Initializing => "INITIALIZING",
            Self::Created => "CREATED",
            Self::Running => "RUNNING",
            Self::Failing => "FAILING",
            Self::Restarting => "RESTARTING",
            Self::Cancelling => "CANCELLING",
            Self::Reconciling => "RECONCILING",
            Self::Suspended => "SUSPENDED",
            Self::Finished => "FINISHED",
            Self::Canceled => "CANCELED",
            Self::Failed => "FAILED",
            Self::Other => "in a state unknown to Lockkeeper",
        })
    }
}

impl JobState {
    /// Whether the job never runs again (globally terminal).
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Finished | Self::Canceled | Self::Failed)
    }
}

/// One job of `/jobs/overview`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct JobOverview {
    /// Its id, 32 hex digits.
    pub jid: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its state.
    pub state: JobState,
    /// When this `JobManager` began to run it, milliseconds since 1970: restarts of the job leave it, a new `JobManager` sets it anew.
    #[serde(default, rename = "start-time")]
    pub start_time: i64,
}

/// `/jobs/:id`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct JobDetail {
    /// Its state.
    pub state: JobState,
    /// Flink's clock, milliseconds since 1970.
    #[serde(default)]
    pub now: i64,
    /// When it last entered each state, milliseconds; 0 for never.
    #[serde(default)]
    pub timestamps: std::collections::BTreeMap<String, i64>,
    /// Its vertices.
    #[serde(default)]
    pub vertices: Vec<Vertex>,
}

impl JobDetail {
    /// Whether it has vertices, and all their tasks are RUNNING.
    #[must_use]
    pub fn runs_whole(&self) -> bool {
        !self.vertices.is_empty() && self.vertices.iter().all(Vertex::is_running)
    }

    /// The names of the vertices of which not every task is RUNNING.
    #[must_use]
    pub fn not_running(&self) -> Vec<&str> {
        self.vertices.iter().filter(|vertex| !vertex.is_running()).map(|vertex| vertex.name.as_str()).collect()
    }
}

/// One vertex of a job.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Vertex {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its parallelism.
    #[serde(default)]
    pub parallelism: u32,
    /// Its tasks by state.
    #[serde(default)]
    pub tasks: std::collections::BTreeMap<String, u32>,
}

impl Vertex {
    /// Whether all its tasks are RUNNING. Its own `status` says CREATED while tasks are SCHEDULED, so tasks are counted.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.parallelism > 0 && self.tasks.get("RUNNING").copied().unwrap_or(0) == self.parallelism
    }
}

/// `/jobs/:id/checkpoints`; Flink caches it for 3 s.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Checkpoints {
    /// Counters since the job was submitted.
    #[serde(default)]
    pub counts: CheckpointCounts,
    /// The latest of each kind.
    #[serde(default)]
    pub latest: LatestCheckpoints,
    /// The last few, newest first; may be empty although some failed.
    #[serde(default)]
    pub history: Vec<Checkpoint>,
}

impl Checkpoints {
    /// Path of the completed savepoint of a stop that went into a directory.
    #[must_use]
    pub fn completed_in(&self, directory: &str) -> Option<&str> {
        let savepoint = self.latest.savepoint.as_ref().filter(|savepoint| savepoint.status == "COMPLETED")?;
        let path = savepoint.external_path.as_deref()?;
        path.rsplit_once('/').is_some_and(|(parent, _)| super::same_path(parent, directory)).then_some(path)
    }

    /// Whether a stop's savepoint is under way.
    #[must_use]
    pub fn stop_in_progress(&self) -> bool {
        let mut all = self.history.iter().chain(&self.latest.savepoint);
        all.any(|checkpoint| checkpoint.checkpoint_type == "SYNC_SAVEPOINT" && checkpoint.status == "IN_PROGRESS")
    }
}

/// Counters of checkpoints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CheckpointCounts {
    /// Restores: 1 after a start from state, one more with each restart.
    pub restored: u64,
    /// Completed.
    pub completed: u64,
    /// Failed.
    pub failed: u64,
}

/// The latest checkpoint of each kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LatestCheckpoints {
    /// The last completed checkpoint.
    pub completed: Option<Checkpoint>,
    /// The last savepoint, also one in progress.
    pub savepoint: Option<Checkpoint>,
    /// The last one that failed.
    pub failed: Option<FailedCheckpoint>,
    /// What was last restored.
    pub restored: Option<Restored>,
}

/// A checkpoint that failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct FailedCheckpoint {
    /// Why, in Flink's words.
    pub failure_message: Option<String>,
}

/// A checkpoint or savepoint.
#[allow(clippy::struct_field_names)] // the fields have Flink's names
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Checkpoint {
    /// `IN_PROGRESS`, `COMPLETED` or `FAILED`.
    pub status: String,
    /// `CHECKPOINT`, `SAVEPOINT` or `SYNC_SAVEPOINT`.
    pub checkpoint_type: String,
    /// When it was triggered, milliseconds since 1970 by Flink's clock.
    pub trigger_timestamp: i64,
    /// When the last part was acknowledged, milliseconds.
    pub latest_ack_timestamp: i64,
    /// Size in bytes.
    pub state_size: u64,
    /// Its path.
    pub external_path: Option<String>,
}

/// What a job was restored from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Restored {
    /// Whether it is a savepoint.
    pub is_savepoint: bool,
    /// Its path.
    pub external_path: Option<String>,
}

/// `/jobs/:id/exceptions`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Exceptions {
    /// Newest first; Flink keeps 16.
    pub exception_history: ExceptionHistory,
}

/// The history of exceptions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ExceptionHistory {
    /// Its entries.
    pub entries: Vec<ExceptionEntry>,
}

/// What Flink's web interface works with: `/config`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct WebConfiguration {
    /// Version of Flink.
    pub flink_version: Option<String>,
    /// `web.refresh-interval`, milliseconds: so old may be what Flink says of checkpoints and exceptions (`rest.cache.*`), 3 s by default.
    pub refresh_interval: Option<i64>,
}

/// One exception.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ExceptionEntry {
    /// Class name.
    pub exception_name: String,
    /// Stack trace.
    pub stacktrace: String,
    /// When, milliseconds since 1970.
    pub timestamp: i64,
    /// The task, if one failed.
    pub task_name: Option<String>,
}

impl ExceptionEntry {
    /// The line that says most: the innermost cause, or else the first line.
    #[must_use]
    pub fn headline(&self) -> String {
        innermost_cause(&self.stacktrace)
            .or_else(|| self.stacktrace.lines().next().map(short))
            .unwrap_or_else(|| short(&self.exception_name))
    }
}

/// The innermost cause in a Java stack trace, or the last one in a log that holds several; none if no cause is named.
#[must_use]
pub fn innermost_cause(trace: &str) -> Option<String> {
    trace.lines().rev().find_map(|line| line.trim().strip_prefix("Caused by: ")).map(short)
}

/// Flink names whole paths before it comes to the point: "Failed to rollback to checkpoint/savepoint PATH. Cannot map ...".
fn short(line: &str) -> String {
    crate::text::truncate(line, 600)
}

/// The status of a savepoint operation. COMPLETED does not mean success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SavepointOperation {
    /// Not done yet.
    InProgress,
    /// A savepoint at this path.
    Completed(String),
    /// It failed, with the class and message of the innermost cause and the whole trace.
    Failed {
        /// The line that says most.
        cause: String,
        /// The whole trace.
        trace: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vertex_runs_when_all_its_tasks_do() {
        let mut vertex: Vertex = serde_json::from_str(
            r#"{"id":"a","parallelism":2,"status":"RUNNING","tasks":{"RUNNING":1,"SCHEDULED":1}}"#,
        )
        .unwrap();
        assert!(!vertex.is_running());
        vertex.tasks.insert("RUNNING".into(), 2);
        assert!(vertex.is_running());
    }

    #[test]
    fn an_unknown_state_does_not_break_the_answer() {
        let job: JobOverview = serde_json::from_str(r#"{"jid":"00","state":"HOVERING"}"#).unwrap();
        assert_eq!(job.state, JobState::Other);
    }

    #[test]
    fn the_innermost_cause_is_the_headline() {
        let entry = ExceptionEntry {
            stacktrace: "java.lang.RuntimeException: outer\n\tat A\nCaused by: java.io.IOException: disk full\n\tat B"
                .into(),
            ..ExceptionEntry::default()
        };
        assert_eq!(entry.headline(), "java.io.IOException: disk full");
    }
}
