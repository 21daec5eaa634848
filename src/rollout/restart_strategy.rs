//! Whether a job survives the loss of its TaskManagers, and whether its checkpoints survive the job.

use std::collections::BTreeMap;

use crate::api::RunningJob;

/// Flink's number for "without a limit", `Integer.MAX_VALUE`.
const WITHOUT_LIMIT: &str = "2147483647";

/// How often Flink restarts a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RestartStrategy {
    /// As often as it fails.
    Unlimited,
    /// Only a few times. Then the job is FAILED for good.
    Limited,
    /// Never.
    Disabled,
}

impl RestartStrategy {
    /// The strategy that the job names itself, or else that of Flink's configuration.
    pub(super) fn of(job: &RunningJob, configuration: Option<&BTreeMap<String, String>>) -> Self {
        let configured = || configuration.map_or(Self::Unlimited, Self::from_configuration);
        match job.restart_strategy.as_deref().and_then(Self::from_description) {
            // The description does not say whether the number of attempts is limited.
            Some(Self::Unlimited) => configuration.map_or(Self::Unlimited, Self::exponential_delay),
            Some(known) => known,
            None => configured(),
        }
    }

    /// The texts are those of Flink 1.15 to 2.2. "Cluster level default restart strategy" says nothing.
    fn from_description(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        if text.contains("deactivated") {
            Some(Self::Disabled)
        } else if text.contains("failure rate") {
            Some(Self::Limited)
        } else if text.contains("exponential delay") {
            Some(Self::Unlimited)
        } else if text.contains("fixed delay") {
            // No other strategy is read from the configuration then, so the number of attempts decides alone.
            Some(if text.contains(WITHOUT_LIMIT) { Self::Unlimited } else { Self::Limited })
        } else {
            None
        }
    }

    fn from_configuration(configuration: &BTreeMap<String, String>) -> Self {
        let name = configuration.get("restart-strategy.type").or_else(|| configuration.get("restart-strategy"));
        // Without a strategy, Flink restarts a job that takes checkpoints without a limit.
        let Some(name) = name else { return Self::Unlimited };
        match name.to_ascii_lowercase().as_str() {
            "none" | "off" | "disable" => Self::Disabled,
            "exponential-delay" | "exponentialdelay" => Self::exponential_delay(configuration),
            "fixed-delay" | "fixeddelay" => {
                Self::limit(configuration.get("restart-strategy.fixed-delay.attempts"), "1")
            }
            // The failure rate, and whatever a later version brings.
            _ => Self::Limited,
        }
    }

    fn exponential_delay(configuration: &BTreeMap<String, String>) -> Self {
        Self::limit(
            configuration.get("restart-strategy.exponential-delay.attempts-before-reset-backoff"),
            WITHOUT_LIMIT,
        )
    }

    fn limit(attempts: Option<&String>, default: &str) -> Self {
        let attempts = attempts.map_or(default, |attempts| attempts.as_str());
        if attempts == WITHOUT_LIMIT { Self::Unlimited } else { Self::Limited }
    }
}

/// Why the last checkpoint of this job cannot be taken, if it cannot. `job_manager` is the name of its Deployment.
///
/// Before its path is recorded, the TaskManagers are stopped. For Flink this is a failure of the job, and it may be the last one.
pub(super) fn refuse_last_checkpoint(
    job: &RunningJob,
    configuration: Option<&BTreeMap<String, String>>,
    job_manager: &str,
) -> Option<String> {
    if RestartStrategy::of(job, configuration) != RestartStrategy::Limited {
        return None;
    }
    let stays = configuration
        .and_then(|all| all.get("execution.shutdown-on-application-finish"))
        .is_some_and(|value| value.eq_ignore_ascii_case("false"));
    let then = match (is_retained(job), stays) {
        (true, true) => return None,
        (false, _) => "Flink would then delete its checkpoints",
        (true, false) => "its JobManager would then exit and start the old job again from its old state",
    };
    Some(format!(
        "Flink restarts this job only a limited number of times, so stopping its TaskManagers may end it for good, and {then}. Look up the \
         path of its last checkpoint and scale its Deployment {job_manager} to 0: Flink keeps the checkpoints then. Start from that path"
    ))
}

/// Whether Flink keeps the checkpoints of this job if it becomes FAILED. What Flink did not say is no.
pub(super) fn is_retained(job: &RunningJob) -> bool {
    job.checkpointing.as_ref().is_some_and(|checkpointing| checkpointing.retained_on_failure == Some(true))
}
