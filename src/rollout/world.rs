//! Everything that the next step is decided from, read in one look.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;

use crate::{
    api::{
        FlinkApplication, FlinkRollout, FlinkRolloutStatus, PerComponent, Plan, ROLLOUT_FINALIZER, RequestKind,
        StatePath,
    },
    cluster::{Autoscaler, HaConfigMaps, PodsGone, Workload},
    flink::{CheckpointConfiguration, Checkpoints, Exceptions, JobDetail, JobOverview, SavepointOperation},
};

/// How long a rollout must be observed without a gap before a deadline, or the silence of Flink, counts.
const OBSERVATION_TIMEOUT: SignedDuration = SignedDuration::from_secs(30);

/// How long a JobManager may take after its start to list the job that it recovers.
const RECOVERY_TIMEOUT: SignedDuration = SignedDuration::from_secs(60);

/// One look at a rollout and at the objects that it acts on.
#[derive(Debug, Clone)]
pub struct World {
    /// When this look was taken.
    pub now: Timestamp,
    /// Since when this process has observed the rollout without a gap.
    pub watched_since: Timestamp,
    /// When Flink last answered this process; `None` if it never did.
    pub flink_answered_at: Option<Timestamp>,
    pub rollout: FlinkRollout,
    /// The application; `None` if there is none of that name, or if this version cannot read it.
    pub application: Option<FlinkApplication>,
    /// Whether the application is there, but this version cannot read it.
    pub application_is_unreadable: bool,
    /// The rollout that holds the application's claim.
    pub claim: Option<ClaimHolder>,
    /// Other rollouts of the application that have not ended.
    pub rivals: Vec<Rival>,
    /// Name of another application with the same Deployment or cluster id.
    pub shared_with: Option<String>,
    pub workloads: PerComponent<Workload>,
    /// The autoscalers of the namespace.
    pub autoscalers: Vec<Autoscaler>,
    /// The HA `ConfigMaps` of the old and the new cluster id.
    pub ha: HaConfigMaps,
    pub flink: FlinkView,
    /// Paths of the completed savepoints in the rollout's own directory; `None` if the bot cannot see that directory.
    pub savepoints_on_disk: Option<Vec<StatePath>>,
    /// The answers of the users' own probes, by name.
    pub probes: BTreeMap<String, ProbeAnswer>,
    /// The path that the job was started from, according to the log of the `JobManager`.
    pub logged_start: Option<StatePath>,
    /// The cause that the log names, if a container of the `JobManager` ended.
    pub logged_cause: Option<String>,
}

/// Who holds an application's claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimHolder {
    pub name: String,
    pub uid: String,
    /// Whether this rollout has ended or was deleted. Any other rollout then releases its claim.
    pub stale: bool,
    /// Whether this rollout waits for approvals. A roll back may then go first.
    pub waits_for_approval: bool,
}

/// Another rollout of the same application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    pub name: String,
    pub kind: RequestKind,
}

/// The answer of one of the users' own probes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeAnswer {
    Passed,
    /// The probe failed; what was observed instead.
    Failed(String),
    /// The probe got no answer; why. Flink has a metric only about 10 s after the first request for it
    /// (`metrics.fetcher.update-interval`).
    Unanswered(String),
}

/// The answers of Flink. A field is `None` if Flink was not asked, or did not answer.
#[derive(Debug, Clone, Default)]
pub struct FlinkView {
    /// Why Flink did not answer, if it did not.
    pub unknown: Option<String>,
    /// `flink-version` of `/config`.
    pub version: Option<String>,
    /// The effective configuration.
    pub configuration: Option<BTreeMap<String, String>>,
    pub jobs: Option<Vec<JobOverview>>,
    /// The job that the stage asks about.
    pub job: Option<JobDetail>,
    /// The checkpoints of that job.
    pub checkpoints: Option<Checkpoints>,
    /// How that job takes checkpoints.
    pub checkpoint_configuration: Option<CheckpointConfiguration>,
    /// Flink's description of that job's restart strategy.
    pub restart_strategy: Option<String>,
    /// The exceptions of that job.
    pub exceptions: Option<Exceptions>,
    pub stop: StopStatus,
    /// Task slots: total and free.
    pub slots: Option<(u32, u32)>,
    /// `web.refresh-interval`, in milliseconds.
    pub refresh_interval: Option<i64>,
}

/// What Flink answers about the stop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum StopStatus {
    /// It was not read, or Flink did not answer.
    #[default]
    NotRead,
    /// Flink knows the stop.
    Known(SavepointOperation),
    /// Flink refused the question in these words, such as a 404 once it has forgotten the stop.
    Forgotten(String),
}

impl FlinkView {
    /// Maximum age of Flink's cached answers about checkpoints.
    #[must_use]
    pub fn max_cache_age(&self) -> SignedDuration {
        // A long interval must not delay a rollout for minutes. With a short one, the cache may still keep its default.
        let interval = self.refresh_interval.unwrap_or_default().clamp(3000, 30_000);
        SignedDuration::from_millis(interval) + SignedDuration::from_secs(1)
    }
}

impl World {
    /// The recorded status; the default before anything is recorded.
    #[must_use]
    pub fn status(&self) -> FlinkRolloutStatus {
        self.rollout.status.clone().unwrap_or_default()
    }

    /// The recorded plan.
    #[must_use]
    pub fn plan(&self) -> Option<&Plan> {
        self.rollout.status.as_ref()?.plan.as_ref()
    }

    /// The proof that no pod of either workload is left.
    #[must_use]
    pub fn pods_gone(&self) -> Option<PerComponent<PodsGone>> {
        self.workloads.as_ref().map(Workload::pods_gone).both()
    }

    /// Whether an empty list of jobs may hide a job: the HA metadata shows one, or the JobManager has just started.
    ///
    /// A JobManager that recovers a job lists none for a while.
    #[must_use]
    pub fn may_hide_a_job(&self, cluster_id: &str) -> bool {
        let is_empty = self.flink.jobs.as_ref().is_some_and(Vec::is_empty);
        let is_young = self
            .workloads
            .job_manager
            .running_since()
            .is_some_and(|since| self.now.duration_since(since.0) < RECOVERY_TIMEOUT);
        is_empty && (is_young || self.ha.shows_a_job(cluster_id))
    }

    /// When the JobManager that answers has started the job of this rollout, in milliseconds since 1970 by its clock.
    #[must_use]
    pub fn job_started(&self) -> Option<i64> {
        let job = self.rollout.status.as_ref()?.job.as_ref()?;
        let known = self.flink.jobs.as_ref()?.iter().find(|known| known.jid == job.job_id)?;
        Some(known.start_time).filter(|at| *at > 0)
    }

    /// Whether Flink shows the job, and every task of it runs or has finished.
    #[must_use]
    pub fn job_runs_whole(&self) -> bool {
        self.flink.job.as_ref().is_some_and(JobDetail::runs_whole)
    }

    /// Whether anything is scaled above 0 replicas.
    #[must_use]
    pub fn is_scaled_up(&self) -> bool {
        self.workloads.iter().any(|workload| workload.replicas() > 0)
    }

    #[must_use]
    pub fn uid(&self) -> String {
        self.rollout.uid().unwrap_or_default()
    }

    /// Whether our finalizer is on.
    #[must_use]
    pub fn has_finalizer(&self) -> bool {
        self.rollout.finalizers().iter().any(|finalizer| finalizer == ROLLOUT_FINALIZER)
    }

    /// The time of this look, in the form of the record.
    #[must_use]
    pub fn time(&self) -> crate::api::Time {
        crate::api::time(self.now)
    }

    /// Whether the recorded deadline has passed while this process was observing.
    ///
    /// After an absence of this process or of the API server, everything is tried again before a deadline ends a stage.
    #[must_use]
    pub fn is_past_deadline(&self) -> bool {
        self.now.duration_since(self.watched_since) >= OBSERVATION_TIMEOUT && self.is_deadline_over()
    }

    /// Whether Flink has been silent for so long that the silence counts.
    #[must_use]
    pub fn flink_is_silent(&self) -> bool {
        let heard = self.flink_answered_at.unwrap_or(self.watched_since).max(self.watched_since);
        self.flink.jobs.is_none() && self.now.duration_since(heard) >= OBSERVATION_TIMEOUT
    }

    /// Whether the recorded deadline is in the past.
    #[must_use]
    pub fn is_deadline_over(&self) -> bool {
        self.rollout
            .status
            .as_ref()
            .and_then(|status| status.deadline.as_ref())
            .is_some_and(|deadline| self.now > deadline.0)
    }
}
