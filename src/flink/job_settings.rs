//! How a job takes checkpoints, and how it restarts.

use serde::Deserialize;

/// `/jobs/:id/checkpoints/config`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CheckpointConfiguration {
    /// In milliseconds. A job without periodic checkpoints shows the largest number of Java, `Long.MAX_VALUE`.
    pub interval: i64,
    /// In milliseconds.
    pub timeout: i64,
    /// In milliseconds.
    pub min_pause: i64,
    pub externalization: Option<Externalization>,
}

impl CheckpointConfiguration {
    /// The interval of the periodic checkpoints in milliseconds; none if the job takes no periodic checkpoints.
    #[must_use]
    pub fn periodic_interval(&self) -> Option<u64> {
        u64::try_from(self.interval).ok().filter(|interval| *interval > 0 && self.interval != i64::MAX)
    }
}

/// What becomes of the checkpoints of a job that ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Externalization {
    /// Whether the checkpoints of a job that FAILED are kept.
    pub enabled: bool,
}

/// `/jobs/:id/config`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct JobConfiguration {
    pub execution_config: ExecutionConfiguration,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ExecutionConfiguration {
    /// A text for people, such as `Restart with fixed delay (PT10S). #3 restart attempts.`
    pub restart_strategy: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_without_periodic_checkpoints_has_no_interval() {
        let parse = |text: &str| serde_json::from_str::<CheckpointConfiguration>(text).unwrap();
        let periodic = parse(
            r#"{"mode":"exactly_once","interval":60000,"timeout":600000,"min_pause":0,"max_concurrent":1,
                "externalization":{"enabled":true,"delete_on_cancellation":false},"state_backend":"rocksdb"}"#,
        );
        assert_eq!((periodic.periodic_interval(), periodic.timeout), (Some(60_000), 600_000));
        assert!(periodic.externalization.unwrap().enabled);
        assert_eq!(parse(r#"{"interval":9223372036854775807}"#).periodic_interval(), None);
        assert_eq!(parse("{}"), CheckpointConfiguration::default());
    }

    #[test]
    fn the_restart_strategy_stands_in_the_configuration_of_the_job() {
        let job: JobConfiguration = serde_json::from_str(
            r#"{"jid":"x","name":"orders","execution-config":{"restart-strategy":"Restart deactivated.","job-parallelism":1}}"#,
        )
        .unwrap();
        assert_eq!(job.execution_config.restart_strategy.as_deref(), Some("Restart deactivated."));
    }
}
