//! What a stage needs to see before its next step is decided.

/// What is read for one look at a rollout. Whatever is not asked for stays empty in the `World`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // each is read or not, apart from the others
pub struct Needs {
    /// The other rollouts of the application, and who holds its claim.
    pub rivals: bool,
    /// Both workloads and the HA metadata.
    pub cluster: bool,
    /// The autoscalers of the namespace.
    pub autoscalers: bool,
    /// The Warning events about both workloads since the last start.
    pub warnings: bool,
    /// What Flink is asked.
    pub flink: FlinkQuestions,
    /// The savepoints in the rollout's own directory.
    pub savepoints_on_disk: bool,
    /// The log of the `JobManager`.
    pub logs: bool,
    /// The users' own probes.
    pub probes: bool,
}

/// What Flink is asked in one look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlinkQuestions {
    /// Nothing: no answer would change the next step.
    None,
    /// Its jobs, version, configuration and the checkpoints of the one job.
    WhatRuns,
    /// What became of the stop of the job that the plan names.
    Stop,
    /// How the job goes that this rollout started.
    StartedJob {
        /// Whether the age of Flink's cached answers matters.
        refresh_interval: bool,
    },
}

impl Needs {
    /// Nothing but the rollout and its application.
    pub(super) const NOTHING: Self = Self {
        rivals: false,
        cluster: false,
        autoscalers: false,
        warnings: false,
        flink: FlinkQuestions::None,
        savepoints_on_disk: false,
        logs: false,
        probes: false,
    };
    /// Both workloads and the HA metadata, without Flink.
    pub(super) const CLUSTER: Self = Self { cluster: true, ..Self::NOTHING };
}
