//! Flink's effective configuration, compared between the plan and the stop.

use std::collections::BTreeMap;

use crate::digest::digest_of;

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
