//! What a plan warns about, and the settings that it adapts to what runs.

use std::collections::BTreeMap;

use crate::api::{Plan, Revision};

/// The longest time-out that the record accepts, in seconds.
const MAX_SAVEPOINT_TIMEOUT: u64 = 86_400;

const SHUTDOWN_OPTION: &str = "execution.shutdown-on-application-finish";

/// Adapts the plan to what runs, and adds its warnings. `configuration` is Flink's effective configuration.
pub(super) fn add_warnings(plan: &mut Plan, configuration: Option<&BTreeMap<String, String>>, earlier: &[Revision]) {
    raise_savepoint_timeout(plan);
    warn_about_start(plan);
    warn_about_earlier_starts(plan, earlier);
    tell_conditions(plan);
    warn_about_shutdown(plan, configuration);
}

/// Flink itself ends a savepoint after its own time-out. Before that, nobody can say that the savepoint has failed.
fn raise_savepoint_timeout(plan: &mut Plan) {
    let job = plan.current.as_ref().and_then(|current| current.job.as_ref());
    let Some(checkpointing) = job.and_then(|job| job.checkpointing.as_ref()) else { return };
    let seconds = checkpointing.timeout_millis.div_ceil(1000).min(MAX_SAVEPOINT_TIMEOUT);
    let Ok(seconds) = u32::try_from(seconds) else { return };
    let ours = &mut plan.settings.savepoint.timeout_seconds;
    if seconds > *ours {
        plan.warnings.push(format!(
            "The stop may take {seconds} s and not {ours} s, because Flink's own execution.checkpointing.timeout is longer than \
             savepoint.timeoutSeconds."
        ));
        *ours = seconds;
    }
}

/// A restore reads the whole state. Slower storage than this is common, so a start at this speed is not sure to end in time.
const RESTORE_BYTES_PER_SECOND: u64 = 50_000_000;

/// Compares the time of a start with the size of the last checkpoint.
fn warn_about_start(plan: &mut Plan) {
    let job = plan.current.as_ref().and_then(|current| current.job.as_ref());
    let size = job.and_then(|job| job.last_checkpoint.as_ref()?.size_bytes).unwrap_or_default();
    let readers = u64::try_from(plan.target.task_manager_replicas).unwrap_or_default().max(1);
    let needed = size / (RESTORE_BYTES_PER_SECOND * readers);
    let total = plan.settings.start_total_seconds;
    if needed > u64::from(total) {
        plan.warnings.push(format!(
            "The last checkpoint has {} GB. {readers} TaskManagers that read 50 MB/s each need {needed} s to restore it, and \
             startTotalSeconds is {total}: raise it, or a good version is rolled back.",
            size / 1_000_000_000
        ));
    }
}

/// Compares the time of a start with those of earlier ones.
fn warn_about_earlier_starts(plan: &mut Plan, earlier: &[Revision]) {
    let slowest =
        earlier.iter().filter_map(|revision| Some((revision.start_seconds?, revision.version.as_str()))).max();
    let total = plan.settings.start_total_seconds;
    if let Some((seconds, version)) = slowest.filter(|(seconds, _)| seconds.saturating_mul(2) > total) {
        plan.warnings.push(format!(
            "The start of version {version} took {seconds} s, and startTotalSeconds is {total}: raise it, or a good version that is \
             somewhat slower is rolled back."
        ));
    }
}

/// Says what is not as it should be already.
fn tell_conditions(plan: &mut Plan) {
    let job = plan.current.as_ref().and_then(|current| current.job.as_ref());
    let texts = job
        .into_iter()
        .flat_map(|job| &job.conditions)
        .map(|condition| format!("Before this rollout: {}.", condition.text));
    let texts: Vec<String> = texts.collect();
    plan.warnings.extend(texts);
}

/// The JobManager of a job that has ended exits with Flink's default, and its Deployment starts it again with its old arguments.
fn warn_about_shutdown(plan: &mut Plan, configuration: Option<&BTreeMap<String, String>>) {
    let runs = plan.current.as_ref().is_some_and(|current| current.job.is_some());
    let Some(configuration) = configuration.filter(|_| runs) else { return };
    if configuration.get(SHUTDOWN_OPTION).is_none_or(|value| !value.eq_ignore_ascii_case("false")) {
        plan.warnings.push(format!(
            "What runs does not set {SHUTDOWN_OPTION}: false. So if its job ends while nobody looks, Kubernetes starts the JobManager \
             again, and the old job from its old state. Lockkeeper sets this option for every job that it starts."
        ));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plan(checkpointing: &serde_json::Value) -> Plan {
        let workload = json!({"deployment": "d", "uid": "u", "replicas": 1, "templateDigest": "t"});
        serde_json::from_value(json!({
            "digest": "d", "approvalsNeeded": 0, "expiresAt": "2026-01-01T12:30:00Z", "firstDeployment": false, "toVersion": "2",
            "changes": [],
            "current": {
                "job": {"id": "01d00000000000000000000000000000", "checkpointing": checkpointing},
                "jobManager": workload, "taskManager": workload,
                "highAvailability": {"kubernetesClusterId": "orders", "clusterId": "orders"},
            },
            "target": {"revision": 1, "taskManagerReplicas": 3, "kubernetesClusterId": "orders"},
            "settings": {
                "jobManager": "jm", "taskManager": "tm", "restService": {"name": "rest"},
                "savepoint": {"directory": "file:/sp", "timeoutSeconds": 600},
                "monitor": {}, "startDeadlineSeconds": 60, "automaticRollback": true,
            },
        }))
        .unwrap()
    }

    fn with_timeout(millis: u64) -> Plan {
        let mut plan = plan(&json!({"timeoutMillis": millis}));
        add_warnings(&mut plan, None, &[]);
        plan
    }

    #[test]
    fn the_stop_may_take_as_long_as_flink_gives_a_savepoint() {
        let raised = with_timeout(7_200_001);
        assert_eq!(raised.settings.savepoint.timeout_seconds, 7201);
        assert!(raised.warnings[0].contains("7201 s and not 600 s"), "{:?}", raised.warnings);
        for millis in [0, 30_000, 600_000] {
            let kept = with_timeout(millis);
            assert_eq!((kept.settings.savepoint.timeout_seconds, kept.warnings.len()), (600, 0), "{millis}");
        }
        assert_eq!(with_timeout(u64::MAX).settings.savepoint.timeout_seconds, 86_400, "the record accepts no more");
    }

    #[test]
    fn a_plan_warns_if_the_state_is_too_large_for_the_start() {
        let warnings = |bytes: u64| {
            let mut plan = plan(&serde_json::Value::Null);
            let checkpoint = json!({"path": "file:/cp/1", "at": "2026-01-01T12:00:00Z", "sizeBytes": bytes});
            let job = plan.current.as_mut().unwrap().job.as_mut().unwrap();
            job.last_checkpoint = Some(serde_json::from_value(checkpoint).unwrap());
            add_warnings(&mut plan, None, &[]);
            plan.warnings
        };
        assert!(warnings(2_000_000_000_000)[0].contains("has 2000 GB. 3 TaskManagers"));
        assert!(warnings(500_000_000_000).is_empty());
    }

    #[test]
    fn a_plan_warns_if_an_earlier_start_took_half_of_the_time() {
        let revision = |seconds: u32| -> Revision {
            serde_json::from_value(
                json!({"number": 1, "version": "1.0.0", "at": "2026-01-01T12:00:00Z", "startSeconds": seconds}),
            )
            .unwrap()
        };
        let warnings = |seconds: &[u32]| {
            let mut plan = plan(&serde_json::Value::Null);
            let earlier: Vec<Revision> = seconds.iter().map(|seconds| revision(*seconds)).collect();
            add_warnings(&mut plan, None, &earlier);
            plan.warnings
        };
        assert!(warnings(&[10, 1801])[0].contains("took 1801 s, and startTotalSeconds is 3600"));
        assert!(warnings(&[10, 1800]).is_empty());
    }

    #[test]
    fn a_plan_warns_if_the_job_manager_exits_with_its_job() {
        let warnings = |value: Option<&str>| {
            let mut plan = plan(&serde_json::Value::Null);
            let set = value.map(|value| (SHUTDOWN_OPTION.to_owned(), value.to_owned()));
            add_warnings(&mut plan, Some(&set.into_iter().collect()), &[]);
            plan.warnings
        };
        assert!(warnings(None)[0].contains("shutdown-on-application-finish: false"));
        assert_eq!(warnings(Some("true")).len(), 1);
        assert!(warnings(Some("false")).is_empty());
    }
}
