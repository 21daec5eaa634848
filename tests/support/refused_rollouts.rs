//! Rollouts that must be refused: waits for their end, and lists what they must not leave behind.

use std::{collections::BTreeSet, time::Duration};

use crate::support::sandbox::{Namespace, Sandbox, eventually};

const RELEASE_TIMEOUT: Duration = Duration::from_secs(120);

/// Everything that a rollout could create in a namespace.
const KINDS: &str = "deployments,replicasets,pods,services,configmaps,secrets,serviceaccounts,roles,rolebindings,\
                     horizontalpodautoscalers,networkpolicies,poddisruptionbudgets,ingresses,persistentvolumeclaims";

/// Waits for the end of a rollout, which must be Untouched. Returns the result's message.
pub async fn wait_until_untouched(
    sandbox: &Sandbox,
    namespace: &Namespace,
    rollout: &str,
    timeout: Duration,
) -> String {
    let result = eventually(&format!("{rollout} ends"), timeout, || {
        let rollout = sandbox.get_json(&namespace.name, &format!("flinkrollout/{rollout}"));
        rollout.pointer("/status/result").cloned()
    })
    .await;
    assert_eq!(result["kind"], "Untouched", "{rollout}: {result}");
    result["message"].as_str().unwrap().to_owned()
}

/// Waits until no rollout holds the claim of an application. Returns how many revision numbers were handed out.
pub async fn wait_until_released(sandbox: &Sandbox, namespace: &Namespace, application: &str) -> u64 {
    eventually(&format!("the claim of {application} is released"), RELEASE_TIMEOUT, || {
        let application = sandbox.get_json(&namespace.name, &format!("flinkapplication/{application}"));
        let status = application.get("status").cloned().unwrap_or_default();
        status.get("activeRollout").is_none().then(|| status["lastSequence"].as_u64().unwrap_or(0))
    })
    .await
}

/// The names of all objects in a namespace, without the ConfigMaps that keep what was posted to Slack.
pub fn list_objects(sandbox: &Sandbox, namespace: &Namespace) -> BTreeSet<String> {
    let names = sandbox.kubectl(&["-n", &namespace.name, "get", KINDS, "-o", "name"]);
    names.lines().filter(|name| !name.ends_with("-slack")).map(str::to_owned).collect()
}
