//! Everything a decision is made from, read in one go.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;

use crate::{
    api::{
        FlinkApplication, FlinkRollout, FlinkRolloutStatus, PerComponent, Plan, ROLLOUT_FINALIZER, RequestKind,
        StatePath,
    },
    cluster::{Autoscaler, HaConfigMaps, PodsGone, Workload},
    flink::{Checkpoints, Exceptions, JobDetail, JobOverview, SavepointOperation},
};

/// How long things are looked at before a deadline counts, or silence.
const OBSERVATION_TIMEOUT: SignedDuration = SignedDuration::from_secs(30);

/// A snapshot of one rollout and what it acts on.
#[derive(Debug, Clone)]
pub struct World {
    /// The moment it was taken.
    pub now: Timestamp,
    /// Since when this process has looked at the rollout again and again.
    pub watched_since: Timestamp,
    /// When Flink last answered this process; none if it never did.
    pub flink_answered_at: Option<Timestamp>,
    /// The rollout.
    pub rollout: FlinkRollout,
    /// Its application; none if there is none of that name.
    pub application: Option<FlinkApplication>,
    /// The rollout that holds the application's claim.
    pub claim: Option<ClaimHolder>,
    /// Other rollouts of the application that have not ended.
    pub rivals: Vec<Rival>,
    /// Another application that names the same Deployment or cluster id.
    pub shared_with: Option<String>,
    /// Both workloads.
    pub workloads: PerComponent<Workload>,
    /// What scales a Deployment of the namespace, read at Plan.
    pub autoscalers: Vec<Autoscaler>,
    /// The HA `ConfigMaps` of the old and the new cluster id.
    pub ha: HaConfigMaps,
    /// What Flink says.
    pub flink: FlinkView,
    /// Paths, as Flink knows them, of the completed savepoints in the rollout's own directory; none if the bot cannot see it.
    pub savepoints_on_disk: Option<Vec<StatePath>>,
    /// What the users' own probes said, by name.
    pub probes: BTreeMap<String, ProbeAnswer>,
    /// The path that the `JobManager`'s log says the job was started from, where it had to be asked.
    pub logged_start: Option<StatePath>,
    /// The cause that the log of the `JobManager`'s last container names, where it ended.
    pub logged_cause: Option<String>,
}

/// Who holds an application's claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimHolder {
    /// Name of the rollout.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// Whether it ended or is gone, so that whoever meets the claim releases it.
    pub stale: bool,
    /// Whether it waits for approvals, so that a roll back may go first.
    pub waits_for_approval: bool,
}

/// Another rollout of the same application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    /// Its name.
    pub name: String,
    /// What it asks for.
    pub kind: RequestKind,
}

/// What a probe of the users' own said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeAnswer {
    /// It holds.
    Passed,
    /// It does not hold; what was seen instead.
    Failed(String),
    /// It could not be asked; why. Flink has a metric only some 10 s after it was first asked for (`metrics.fetcher.update-interval`).
    Unanswered(String),
}

/// What Flink says now. A field is `None` where it was not asked or did not answer.
#[derive(Debug, Clone, Default)]
pub struct FlinkView {
    /// Why nothing is known, if nothing is.
    pub unknown: Option<String>,
    /// `flink-version`.
    pub version: Option<String>,
    /// The effective configuration.
    pub configuration: Option<BTreeMap<String, String>>,
    /// All jobs.
    pub jobs: Option<Vec<JobOverview>>,
    /// The job of interest.
    pub job: Option<JobDetail>,
    /// Its checkpoints.
    pub checkpoints: Option<Checkpoints>,
    /// Its exceptions.
    pub exceptions: Option<Exceptions>,
    /// The status of the stop.
    pub stop: StopStatus,
    /// Slots: total and free.
    pub slots: Option<(u32, u32)>,
    /// `web.refresh-interval`, milliseconds.
    pub refresh_interval: Option<i64>,
}

/// What Flink says of the stop that was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum StopStatus {
    /// It was not read, or Flink did not answer.
    #[default]
    NotRead,
    /// Flink knows the stop.
    Known(SavepointOperation),
    /// Flink refused the question, as with a 404 once it has forgotten the stop; its own words.
    Forgotten(String),
}

impl FlinkView {
    /// So long what Flink says of checkpoints may be from before: it caches its answers.
    #[must_use]
    pub fn max_cache_age(&self) -> SignedDuration {
        // Nobody waits for minutes because of an odd setting of the web interface; a short one may not be that of the cache.
        let interval = self.refresh_interval.unwrap_or_default().clamp(3000, 30_000);
        SignedDuration::from_millis(interval) + SignedDuration::from_secs(1)
    }
}

impl World {
    /// The status as recorded; the default before anything is.
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

    /// Whether anything is scaled above 0 replicas.
    #[must_use]
    pub fn is_scaled_up(&self) -> bool {
        self.workloads.iter().any(|workload| workload.replicas() > 0)
    }

    /// The rollout's uid.
    #[must_use]
    pub fn uid(&self) -> String {
        self.rollout.uid().unwrap_or_default()
    }

    /// Whether our finalizer is on.
    #[must_use]
    pub fn has_finalizer(&self) -> bool {
        self.rollout.finalizers().iter().any(|finalizer| finalizer == ROLLOUT_FINALIZER)
    }

    /// The moment in the record's form.
    #[must_use]
    pub fn time(&self) -> crate::api::Time {
        crate::api::time(self.now)
    }

    /// Whether a recorded deadline has passed, with somebody there to see it: what could have happened while this process or the API
    /// server was away is tried once it is back, before anybody gives up on it.
    #[must_use]
    pub fn is_past_deadline(&self) -> bool {
        self.now.duration_since(self.watched_since) >= OBSERVATION_TIMEOUT && self.is_deadline_over()
    }

    /// Whether Flink has been silent for as long as this process looks, or for long enough to believe it.
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
