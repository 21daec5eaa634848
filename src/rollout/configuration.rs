//! Flink's effective configuration, compared between the plan and the stop.

use std::collections::BTreeMap;

use crate::digest::digest_of;

/// SHA-256 of Flink's effective configuration, without what a new container or pod sets anew: Flink writes the ports that it bound into
/// it, which are random ones under high availability (`high-availability.jobmanager.port` is 0 by default).
pub(super) fn configuration_digest(configuration: &BTreeMap<String, String>) -> String {
    const VOLATILE: [&str; 4] = ["web.tmpdir", "jobmanager.rpc.address", "rest.address", "rest.bind-address"];
    let lasts = |key: &str| !VOLATILE.contains(&key) && key.rsplit('.').next() != Some("port");
    let lasting: BTreeMap<_, _> = configuration.iter().filter(|(key, _)| lasts(key)).collect();
    digest_of(&lasting)
}
