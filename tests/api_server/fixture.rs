//! The sample application without a pod of it: enough for plans, approvals and all that is said about them.

use std::process::Command;

use lockkeeper_slack_simulator::{Message, Simulator, View};
use serde_json::{Value, json};

use crate::support::{
    asked as answers,
    bot::DEADLINE,
    sandbox::{Namespace, Sandbox},
};

pub use answers::name_in;

pub const CHANNEL: &str = "deploys";

/// The FlinkApplication `orders`, which wants this many approvals.
pub fn application(sandbox: &Sandbox, namespace: &Namespace, approvals: u32) {
    sandbox.apply(&namespace.name, &json!({
        "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkApplication", "metadata": {"name": "orders"},
        "spec": {
            "chart": {"path": sandbox.chart}, "values": {"data": {"hostPath": "/none"}}, "versionValue": "version",
            "jobManager": "orders-jobmanager", "taskManager": "orders-taskmanager", "restService": {"name": "orders-rest", "port": 8081},
            "savepoint": {"directory": "file:///none"}, "highAvailability": {"kubernetesClusterId": "orders", "clusterId": "orders"},
            "approvals": {"required": approvals, "groups": ["S0PLATFORM"]}, "deployers": {"groups": ["S0PLATFORM"]},
            "channel": "C0DEPLOYS", "allow": ["hostPath"],
        },
    }));
}

/// Everything that the chart renders of 1.0.0, with both Deployments at 0 replicas.
pub fn parked(sandbox: &Sandbox, namespace: &Namespace) {
    let mut helm = Command::new(&sandbox.helm);
    helm.args(["template", "orders"]).arg(&sandbox.chart).args(["--namespace", &namespace.name]);
    let output = helm.args(["--set", "version=1.0.0,data.hostPath=/none"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rendered = String::from_utf8(output.stdout).unwrap();
    let at_zero =
        |line: &str| if line.starts_with("  replicas: ") { "  replicas: 0\n".into() } else { format!("{line}\n") };
    let rendered: String = rendered.lines().map(at_zero).collect();
    sandbox.try_kubectl(&["-n", &namespace.name, "apply", "-f", "-"], Some(&rendered)).unwrap();
}

/// Types something as a person; what that person is told.
pub async fn asked(slack: &Simulator, user: &str, line: &str) -> String {
    slack.command(user, CHANNEL, line).await.unwrap().text().to_owned()
}

/// Types a command that starts a rollout; its name.
pub async fn started(slack: &Simulator, user: &str, line: &str) -> String {
    answers::started(slack, line, async || asked(slack, user, line).await).await
}

/// Waits for a message with this text in the thread of a rollout, or its card.
pub async fn shown(slack: &Simulator, rollout: &str, text: &str) -> Message {
    let (ours, what) = (format!("`{rollout}`"), format!("{text:?} in the thread of {rollout}"));
    let find = |view: &View<'_>| {
        let roots = view.channel(CHANNEL).into_iter().filter(|message| !message.is_reply());
        let mut threads = roots.filter(|card| view.render(card).contains(&ours));
        threads.find_map(|card| {
            let thread = view.thread(CHANNEL, &card.ts);
            thread.into_iter().find(|message| view.render(message).contains(text))
        })
    };
    slack.wait_for(&what, DEADLINE * 2, find).await.unwrap()
}

/// Waits until a person is told something; the answer.
pub async fn told(slack: &Simulator, user: &str, text: &str) -> String {
    let find = |view: &View<'_>| {
        let mut told = view.ephemerals(user).into_iter().map(|one| one.text);
        told.rfind(|told| told.contains(text))
    };
    slack.wait_for(&format!("{user} is told {text:?}"), DEADLINE, find).await.unwrap()
}

pub fn rollouts(sandbox: &Sandbox, namespace: &Namespace) -> Vec<Value> {
    sandbox.get_json(&namespace.name, "flinkrollouts")["items"].as_array().unwrap().clone()
}
