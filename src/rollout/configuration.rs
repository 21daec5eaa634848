//! Flink's effective configuration, compared between the plan and the stop.

use std::collections::BTreeMap;

use crate::{api::Checkpointing, digest::digest_of, flink::CheckpointConfiguration};

/// Whether Flink rescales its jobs by restoring them: the adaptive scheduler does, also in reactive mode.
pub(super) fn is_adaptive(configuration: &BTreeMap<String, String>) -> bool {
    let is = |key: &str, value: &str| configuration.get(key).is_some_and(|found| found.eq_ignore_ascii_case(value));
    is("jobmanager.scheduler", "adaptive") || is("scheduler-mode", "reactive")
}

/// SHA-256 of Flink's effective configuration, without the options that differ in every container or pod.
///
/// Flink writes the ports that it bound into its configuration. Under high availability they are random
/// (`high-availability.jobmanager.port` is 0 by default).
pub(super) fn configuration_digest(configuration: &BTreeMap<String, String>) -> String {
    const VOLATILE: [&str; 4] = ["web.tmpdir", "jobmanager.rpc.address", "rest.address", "rest.bind-address"];
    let lasts = |key: &str| !VOLATILE.contains(&key) && key.rsplit('.').next() != Some("port");
    let lasting: BTreeMap<_, _> = configuration.iter().filter(|(key, _)| lasts(key)).collect();
    digest_of(&lasting)
}

/// How a job takes checkpoints, in the form of the record.
pub(super) fn to_checkpointing(configuration: &CheckpointConfiguration) -> Checkpointing {
    let millis = |value: i64| u64::try_from(value).unwrap_or_default();
    Checkpointing {
        interval_millis: configuration.periodic_interval(),
        min_pause_millis: millis(configuration.min_pause),
        timeout_millis: millis(configuration.timeout),
        retained_on_failure: configuration.externalization.map(|kept| kept.enabled),
    }
}
