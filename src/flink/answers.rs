//! The fields of Flink's answers that Lockkeeper reads.

use serde::Deserialize;

use crate::api::{JobId, StatePath};

/// The type of the savepoint that a stop takes. A savepoint of a running job is a `SAVEPOINT`.
const SYNC_SAVEPOINT: &str = "SYNC_SAVEPOINT";

/// The states of a job (`JobStatus` in Flink 2.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobState {
    /// The dispatcher knows the job, but its `JobMaster` does not run yet.
    Initializing,
    /// No task is scheduled yet.
    Created,
    /// Does not prove that the job works: a job without a `TaskManager`, or between two crashes, is RUNNING too.
    Running,
    /// Becomes RESTARTING or FAILED.
    Failing,
    /// Waits for the next attempt.
    Restarting,
    /// Becomes CANCELED.
    Cancelling,
    /// Recovers after a failover of the `JobManager`.
    Reconciling,
    /// Ended in this `JobManager`. High availability may resume the job.
    Suspended,
    /// Ended for good. A stop with savepoint ends in this state too.
    Finished,
    Canceled,
    Failed,
    /// A state that Lockkeeper does not know.
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
    /// 32 hex digits.
    pub jid: JobId,
    #[serde(default)]
    pub name: String,
    pub state: JobState,
    /// The time when this `JobManager` started the job, in milliseconds since 1970. Restarts of the job do not change it.
    #[serde(default, rename = "start-time")]
    pub start_time: i64,
}

/// `/jobs/:id`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct JobDetail {
    pub state: JobState,
    /// The time of Flink's clock, in milliseconds since 1970.
    #[serde(default)]
    pub now: i64,
    /// The time when the job last entered each state, in milliseconds since 1970. 0 means never.
    #[serde(default)]
    pub timestamps: std::collections::BTreeMap<String, i64>,
    #[serde(default)]
    pub vertices: Vec<Vertex>,
}

impl JobDetail {
    /// Whether every task of the job is RUNNING or FINISHED, and at least one is RUNNING.
    ///
    /// A bounded source stays FINISHED for the rest of the job's life, also after a restore (Flink 1.15 and later).
    #[must_use]
    pub fn runs_whole(&self) -> bool {
        self.vertices.iter().all(Vertex::is_running_or_finished) && self.vertices.iter().any(Vertex::has_running_task)
    }

    /// The parallelism of the widest vertex.
    #[must_use]
    pub fn max_parallelism(&self) -> u32 {
        self.vertices.iter().map(|vertex| vertex.parallelism).max().unwrap_or_default()
    }

    /// The names of the vertices whose tasks have all finished.
    #[must_use]
    pub fn finished(&self) -> Vec<&str> {
        let finished =
            self.vertices.iter().filter(|vertex| vertex.is_running_or_finished() && !vertex.has_running_task());
        finished.map(|vertex| vertex.name.as_str()).collect()
    }

    /// Whether a task restores its state.
    #[must_use]
    pub fn has_initializing_task(&self) -> bool {
        self.vertices.iter().any(|vertex| vertex.count("INITIALIZING") > 0)
    }

    /// How far the tasks have come, summed up over all tasks.
    #[must_use]
    pub fn task_progress(&self) -> u64 {
        const ORDER: [(&str, u64); 5] =
            [("SCHEDULED", 1), ("DEPLOYING", 2), ("INITIALIZING", 3), ("RUNNING", 4), ("FINISHED", 4)];
        let of_vertex = |vertex: &Vertex| -> u64 {
            ORDER.iter().map(|(state, worth)| u64::from(vertex.count(state)) * worth).sum()
        };
        self.vertices.iter().map(of_vertex).sum()
    }

    /// The names of the vertices that have tasks which are neither RUNNING nor FINISHED.
    #[must_use]
    pub fn not_running(&self) -> Vec<&str> {
        let stuck = self.vertices.iter().filter(|vertex| !vertex.is_running_or_finished());
        stuck.map(|vertex| vertex.name.as_str()).collect()
    }
}

/// One vertex of a job.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Vertex {
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub parallelism: u32,
    /// The number of tasks in each state.
    #[serde(default)]
    pub tasks: std::collections::BTreeMap<String, u32>,
}

impl Vertex {
    /// Whether every task is RUNNING or FINISHED. The `status` of a vertex is CREATED while tasks are SCHEDULED, so this counts tasks.
    #[must_use]
    pub fn is_running_or_finished(&self) -> bool {
        self.parallelism > 0 && self.count("RUNNING") + self.count("FINISHED") == self.parallelism
    }

    fn has_running_task(&self) -> bool {
        self.count("RUNNING") > 0
    }

    fn count(&self, state: &str) -> u32 {
        self.tasks.get(state).copied().unwrap_or(0)
    }
}

/// `/jobs/:id/checkpoints`. Flink caches this answer for 3 s by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Checkpoints {
    /// Counters since the job was submitted.
    #[serde(default)]
    pub counts: CheckpointCounts,
    #[serde(default)]
    pub latest: LatestCheckpoints,
    /// The last few checkpoints, newest first. It may be empty although checkpoints have failed.
    #[serde(default)]
    pub history: Vec<Checkpoint>,
}

impl Checkpoints {
    /// The completed savepoint of a stop that was written into this directory.
    ///
    /// Flink may have taken another savepoint since, so the history counts too.
    #[must_use]
    pub fn completed_stop_in(&self, directory: &str) -> Option<&Checkpoint> {
        self.latest.savepoint.iter().chain(&self.history).find(|checkpoint| {
            let path = checkpoint.external_path.as_ref();
            checkpoint.status == "COMPLETED"
                && checkpoint.checkpoint_type == SYNC_SAVEPOINT
                && path.is_some_and(|path| path.is_in_folder_named_like(directory))
        })
    }

    /// Whether a checkpoint is in progress.
    #[must_use]
    pub fn is_in_progress(&self) -> bool {
        let mut all = self.history.iter();
        let periodic = ["CHECKPOINT", "UNALIGNED_CHECKPOINT"];
        all.any(|checkpoint| {
            periodic.contains(&checkpoint.checkpoint_type.as_str()) && checkpoint.status == "IN_PROGRESS"
        })
    }

    /// Whether a stop with savepoint is in progress.
    #[must_use]
    pub fn stop_in_progress(&self) -> bool {
        let mut all = self.history.iter().chain(&self.latest.savepoint);
        all.any(|checkpoint| checkpoint.checkpoint_type == SYNC_SAVEPOINT && checkpoint.status == "IN_PROGRESS")
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CheckpointCounts {
    /// The number of restores: 1 after a start from state, and one more after each restart.
    pub restored: u64,
    pub completed: u64,
    pub failed: u64,
}

/// The latest checkpoint of each kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LatestCheckpoints {
    pub completed: Option<Checkpoint>,
    /// May be in progress.
    pub savepoint: Option<Checkpoint>,
    pub failed: Option<FailedCheckpoint>,
    pub restored: Option<Restored>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct FailedCheckpoint {
    /// The time when it was triggered, by Flink's clock, in milliseconds since 1970.
    pub trigger_timestamp: i64,
    pub failure_message: Option<String>,
}

/// A checkpoint or savepoint.
#[allow(clippy::struct_field_names)] // the fields have Flink's names
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Checkpoint {
    /// `IN_PROGRESS`, `COMPLETED` or `FAILED`.
    pub status: String,
    /// `CHECKPOINT`, `UNALIGNED_CHECKPOINT`, `SAVEPOINT` or `SYNC_SAVEPOINT`.
    pub checkpoint_type: String,
    /// The time when the last task acknowledged it, by Flink's clock, in milliseconds since 1970.
    pub latest_ack_timestamp: i64,
    /// The time when it was triggered, by Flink's clock, in milliseconds since 1970.
    pub trigger_timestamp: i64,
    /// In bytes.
    pub state_size: u64,
    pub external_path: Option<StatePath>,
}

/// The state that a job was restored from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Restored {
    pub external_path: Option<StatePath>,
    /// In milliseconds since 1970, by Flink's clock.
    pub restore_timestamp: i64,
}

/// `/jobs/:id/exceptions`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Exceptions {
    /// Newest first. Flink keeps 16 entries.
    pub exception_history: ExceptionHistory,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ExceptionHistory {
    pub entries: Vec<ExceptionEntry>,
}

/// `/config`: the configuration of Flink's web interface.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct WebConfiguration {
    pub flink_version: Option<String>,
    /// `web.refresh-interval` in milliseconds, 3 s by default.
    ///
    /// Flink caches its answers about checkpoints and exceptions for this time (`rest.cache.*`).
    pub refresh_interval: Option<i64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ExceptionEntry {
    /// The name of the Java class.
    pub exception_name: String,
    pub stacktrace: String,
    /// In milliseconds since 1970.
    pub timestamp: i64,
    /// None if the exception did not come from a task.
    pub task_name: Option<String>,
}

impl ExceptionEntry {
    /// The most useful line: the innermost cause, or else the first line.
    #[must_use]
    pub fn headline(&self) -> String {
        innermost_cause(&self.stacktrace)
            .or_else(|| self.stacktrace.lines().next().map(truncate_line))
            .unwrap_or_else(|| truncate_line(&self.exception_name))
    }
}

/// The innermost cause in a Java stack trace, or of the last stack trace in a log. None if there is no cause.
#[must_use]
pub fn innermost_cause(trace: &str) -> Option<String> {
    trace.lines().rev().find_map(|line| line.trim().strip_prefix("Caused by: ")).map(truncate_line)
}

/// Truncates a line. The limit is high, because some messages start with a whole path: "Failed to rollback to savepoint PATH. Cannot map ...".
fn truncate_line(line: &str) -> String {
    crate::text::truncate(line, 600)
}

/// The result of a savepoint operation. Flink's status COMPLETED may also mean that it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SavepointOperation {
    InProgress,
    /// The savepoint has this path.
    Completed(StatePath),
    Failed {
        /// The headline of the trace.
        cause: String,
        trace: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vertex_runs_when_all_its_tasks_run() {
        let mut vertex: Vertex = serde_json::from_str(
            r#"{"id":"a","parallelism":2,"status":"RUNNING","tasks":{"RUNNING":1,"SCHEDULED":1}}"#,
        )
        .unwrap();
        assert!(!vertex.is_running_or_finished());
        vertex.tasks.insert("RUNNING".into(), 2);
        assert!(vertex.is_running_or_finished());
    }

    #[test]
    fn an_answer_with_an_unknown_state_is_parsed() {
        let job: JobOverview =
            serde_json::from_str(r#"{"jid":"00000000000000000000000000000000","state":"HOVERING"}"#).unwrap();
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
