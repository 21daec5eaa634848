//! What the target of a rollout starts from.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The state that the target starts from.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("(self.from in ['RestorePoint', 'Path']) == has(self.value)").message("RestorePoint and Path take a value, the others take none"),
    validation = Rule::new("!has(self.withoutSavepoint) || !self.withoutSavepoint || self.from in ['RestorePoint', 'Path', 'Nothing']").message("withoutSavepoint goes with RestorePoint, Path and Nothing: LastCheckpoint takes no savepoint anyway"),
    validation = Rule::new("!has(self.jobManagerIsDown) || !self.jobManagerIsDown || (has(self.withoutSavepoint) && self.withoutSavepoint)").message("jobManagerIsDown goes with withoutSavepoint, because no savepoint can be taken without the JobManager")
)]
pub struct StartFrom {
    /// The kind of state.
    #[serde(default)]
    pub from: StartFromKind,
    /// Name of the restore point, or the path. Only for `RestorePoint` and `Path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub value: Option<String>,
    /// Whether the rollout goes on without a savepoint of what runs. The last checkpoint is then the restore point.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_savepoint: bool,
    /// Whether a JobManager that does not answer is replaced. Whatever it has done since the named state is given up. It counts only
    /// while Flink gives no answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub job_manager_is_down: bool,
}

impl StartFrom {
    /// A kind that takes no value.
    #[must_use]
    pub fn plain(from: StartFromKind) -> Self {
        Self { from, ..Self::default() }
    }

    /// A restore point of an earlier rollout, by its name.
    #[must_use]
    pub fn restore_point(name: &str) -> Self {
        Self { from: StartFromKind::RestorePoint, value: Some(name.to_owned()), ..Self::default() }
    }

    /// The same, of a job that no savepoint can be taken of.
    #[must_use]
    pub fn without_savepoint(self) -> Self {
        Self { without_savepoint: true, ..self }
    }

    /// The same, in place of a JobManager that does not answer.
    #[must_use]
    pub fn without_job_manager(self) -> Self {
        Self { without_savepoint: true, job_manager_is_down: true, ..self }
    }

    /// Whether the rollout stops the job with its last checkpoint as the restore point, and takes no savepoint.
    #[must_use]
    pub fn takes_no_savepoint(&self) -> bool {
        self.without_savepoint || self.from == StartFromKind::LastCheckpoint
    }
}

/// The kinds of state that a target can start from.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
pub enum StartFromKind {
    /// The savepoint that this rollout takes.
    #[default]
    Savepoint,
    /// A restore point of an earlier rollout, by name.
    RestorePoint,
    /// The last completed checkpoint of what runs. No savepoint is taken.
    LastCheckpoint,
    /// A savepoint or retained checkpoint at a path.
    Path,
    /// An empty state. The old state is lost to the new job.
    Nothing,
}

impl StartFromKind {
    /// Whether it is a state that needs no running job to be taken from.
    #[must_use]
    pub fn needs_no_job(self) -> bool {
        matches!(self, Self::RestorePoint | Self::Path | Self::Nothing)
    }
}

impl std::fmt::Display for StartFromKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Savepoint => "a savepoint",
            Self::RestorePoint => "the restore point",
            Self::LastCheckpoint => "the last checkpoint",
            Self::Path => "the path",
            Self::Nothing => "nothing",
        })
    }
}
