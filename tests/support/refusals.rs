//! Rollouts asked for by kubectl that must be refused: how to ask, how to wait for the end, and what must not be left behind.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};

use super::sandbox::{Namespace, Sandbox, eventually};

/// Everything that a rollout could create in a namespace.
const KINDS: &str = "deployments,replicasets,pods,services,configmaps,secrets,serviceaccounts,roles,rolebindings,\
                     horizontalpodautoscalers,networkpolicies,poddisruptionbudgets,ingresses,persistentvolumeclaims";

/// A FlinkApplication with both Deployments named after it; `more` is merged over its spec.
pub fn application(name: &str, chart: &str, more: &Value) -> Value {
    let mut spec = json!({
        "chart": {"path": chart}, "versionValue": "version",
        "jobManager": format!("{name}-jobmanager"), "taskManager": format!("{name}-taskmanager"),
        "restService": {"name": format!("{name}-rest")}, "savepoint": {"directory": "file:///none"},
        "highAvailability": {"kubernetesClusterId": name, "clusterId": name},
        "deployers": {"groups": ["S0PLATFORM"]}, "channel": "C0DEPLOYS",
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    json!({
        "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkApplication", "metadata": {"name": name}, "spec": spec,
    })
}

/// A FlinkRollout as the administrator applies it.
pub fn deploy(sandbox: &Sandbox, name: &str, application: &str, version: &str) -> Value {
    let me = sandbox.kubectl(&["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"]);
    json!({
        "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkRollout", "metadata": {"name": name},
        "spec": {"request": {
            "application": application, "by": format!("kubernetes:{me}"), "kind": "Deploy", "version": version,
        }},
    })
}

/// Waits for the end of a rollout, which must be Untouched; the message.
pub async fn refused(sandbox: &Sandbox, namespace: &Namespace, rollout: &str, deadline: Duration) -> String {
    let result = eventually(&format!("{rollout} ends"), deadline, || {
        let rollout = sandbox.get_json(&namespace.name, &format!("flinkrollout/{rollout}"));
        rollout.pointer("/status/result").cloned()
    })
    .await;
    assert_eq!(result["kind"], "Untouched", "{rollout}: {result}");
    result["message"].as_str().unwrap().to_owned()
}

/// Waits until nobody holds the claim of an application; how many revision numbers were handed out.
pub async fn released(sandbox: &Sandbox, namespace: &Namespace, application: &str) -> u64 {
    eventually(&format!("the claim of {application} is released"), Duration::from_secs(120), || {
        let application = sandbox.get_json(&namespace.name, &format!("flinkapplication/{application}"));
        let status = application.get("status").cloned().unwrap_or_default();
        status.get("activeRollout").is_none().then(|| status["lastSequence"].as_u64().unwrap_or(0))
    })
    .await
}

/// The names of all objects in a namespace but for what Slack's side keeps of each rollout.
pub fn objects(sandbox: &Sandbox, namespace: &Namespace) -> BTreeSet<String> {
    let names = sandbox.kubectl(&["-n", &namespace.name, "get", KINDS, "-o", "name"]);
    names.lines().filter(|name| !name.ends_with("-slack")).map(str::to_owned).collect()
}
