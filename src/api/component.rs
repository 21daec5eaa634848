//! The two components of a Flink cluster.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A component of a Flink cluster, in Flink's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Component {
    /// Coordinates the job.
    JobManager,
    /// Runs the tasks of the job.
    TaskManager,
}

impl Component {
    /// Both components, the `JobManager` first.
    pub const ALL: [Self; 2] = [Self::JobManager, Self::TaskManager];
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::JobManager => "JobManager",
            Self::TaskManager => "TaskManager",
        })
    }
}

/// One value for each component.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PerComponent<T> {
    /// The value of the `JobManager`.
    pub job_manager: T,
    /// The value of the `TaskManager`.
    pub task_manager: T,
}

impl<T> PerComponent<T> {
    /// The value of one component.
    #[must_use]
    pub fn get(&self, component: Component) -> &T {
        match component {
            Component::JobManager => &self.job_manager,
            Component::TaskManager => &self.task_manager,
        }
    }

    /// Both values, that of the `JobManager` first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        [&self.job_manager, &self.task_manager].into_iter()
    }

    /// References to both values.
    #[must_use]
    pub fn as_ref(&self) -> PerComponent<&T> {
        PerComponent { job_manager: &self.job_manager, task_manager: &self.task_manager }
    }

    /// The same for both values.
    #[must_use]
    pub fn map<U>(self, mut change: impl FnMut(T) -> U) -> PerComponent<U> {
        PerComponent { job_manager: change(self.job_manager), task_manager: change(self.task_manager) }
    }

    /// Whether something is true of both values.
    pub fn all(&self, holds: impl FnMut(&T) -> bool) -> bool {
        self.iter().all(holds)
    }
}

impl<T> PerComponent<Option<T>> {
    /// Both values, if both are there.
    #[must_use]
    pub fn both(self) -> Option<PerComponent<T>> {
        Some(PerComponent { job_manager: self.job_manager?, task_manager: self.task_manager? })
    }
}
