//! The rules that the API server enforces, each broken on purpose.

use serde_json::{Value, json};

use crate::support::sandbox::{Namespace, Sandbox};

const BOT: &str = "--as=system:serviceaccount:lockkeeper:lockkeeper";

fn rollout(name: &str, by: &str) -> Value {
    json!({
        "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkRollout", "metadata": {"name": name},
        "spec": {"request": {"application": "orders", "by": by, "kind": "Deploy", "version": "1.1.0"}},
    })
}

fn created(sandbox: &Sandbox, namespace: &Namespace, object: &Value) -> Result<String, String> {
    sandbox.try_kubectl(&["-n", &namespace.name, BOT, "create", "-f", "-"], Some(&object.to_string()))
}

fn patched(
    sandbox: &Sandbox,
    namespace: &Namespace,
    name: &str,
    patch: &Value,
    more: &[&str],
) -> Result<String, String> {
    let patch = patch.to_string();
    let mut arguments = vec!["-n", &namespace.name, "patch", "flinkrollout", name, "--type=merge", "-p", &patch];
    arguments.extend(more);
    sandbox.try_kubectl(&arguments, None)
}

fn refused(result: Result<String, String>, with: &str) {
    let error = result.expect_err("the API server let it through");
    assert!(error.contains(with), "refused, but with: {error}");
}

#[test]
fn what_is_asked_for_never_changes_and_decisions_are_never_lost() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("rules");
    created(&sandbox, &namespace, &rollout("r", "slack:T/U")).unwrap();
    let other = json!({"spec": {"request": {"version": "9.9.9"}}});
    refused(patched(&sandbox, &namespace, "r", &other, &[BOT]), "spec.request is immutable");

    let decision = |id: &str| json!({"id": id, "kind": "Abort", "by": "slack:T/U", "at": "2026-01-01T00:00:00Z"});
    patched(&sandbox, &namespace, "r", &json!({"spec": {"decisions": [decision("a")]}}), &[BOT]).unwrap();
    refused(
        patched(&sandbox, &namespace, "r", &json!({"spec": {"decisions": [decision("b")]}}), &[BOT]),
        "append-only",
    );
    refused(patched(&sandbox, &namespace, "r", &json!({"spec": {"decisions": null}}), &[BOT]), "append-only");

    let mut born_decided = rollout("s", "slack:T/U");
    born_decided["spec"]["decisions"] = json!([decision("a")]);
    refused(created(&sandbox, &namespace, &born_decided), "without decisions");
    let mut odd = rollout("t", "slack:T/U");
    odd["spec"]["request"]["version"] = json!("1.2.0; rm");
    refused(created(&sandbox, &namespace, &odd), "version");
}

#[test]
fn nobody_speaks_for_somebody_else() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("forged");
    let by_admin =
        |object: &Value| sandbox.try_kubectl(&["-n", &namespace.name, "create", "-f", "-"], Some(&object.to_string()));
    refused(by_admin(&rollout("r", "slack:T/U")), "only the bot speaks for people in Slack");
    refused(by_admin(&rollout("r", "kubernetes:somebody-else")), "spec.request.by must be");
    let me = sandbox.kubectl(&["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"]);
    by_admin(&rollout("r", &format!("kubernetes:{me}"))).unwrap();
    let forged = json!({"spec": {"decisions": [{"id": "a", "kind": "Approve", "by": "slack:T/U", "at": "2026-01-01T00:00:00Z"}]}});
    refused(patched(&sandbox, &namespace, "r", &forged, &[]), "nobody decides in the name of somebody else");
    refused(
        patched(&sandbox, &namespace, "r", &json!({"status": {"phase": "Plan"}}), &["--subresource=status"]),
        "only Lockkeeper writes",
    );
}

#[test]
fn the_record_of_a_rollout_cannot_be_bent() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("record");
    created(&sandbox, &namespace, &rollout("r", "slack:T/U")).unwrap();
    let status =
        |status: Value| patched(&sandbox, &namespace, "r", &json!({"status": status}), &["--subresource=status", BOT]);
    refused(status(json!({"stage": "Stop"})), "does not have the approvals");
    let point =
        json!({"name": "r", "kind": "Savepoint", "path": "file:/a", "jobId": "0", "at": "2026-01-01T00:00:00Z"});
    status(json!({"stage": "Plan", "epoch": 3, "restorePoint": point})).unwrap();
    refused(status(json!({"restorePoint": {"path": "file:/b"}})), "a restore point never changes");
    refused(status(json!({"restorePoint": null})), "a restore point never changes");
    refused(status(json!({"epoch": 2})), "the epoch never goes back");
    refused(status(json!({"epoch": null})), "the epoch never goes back");
    status(json!({"result": {"kind": "Untouched", "message": "x", "at": "2026-01-01T00:00:00Z"}})).unwrap();
    refused(status(json!({"message": "y"})), "an ended rollout is frozen");
}

#[test]
fn the_bot_never_changes_what_an_application_asks_for() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("spec");
    sandbox.apply(&namespace.name, &crate::support::refusals::application("orders", "/c", &json!({})));
    let patch = |patch: Value| {
        let patch = patch.to_string();
        let arguments =
            ["-n", &namespace.name, BOT, "patch", "flinkapplication", "orders", "--type=merge", "-p", &patch];
        sandbox.try_kubectl(&arguments, None)
    };
    refused(patch(json!({"spec": {"channel": "C0ELSEWHERE"}})), "never changes what a FlinkApplication asks for");
    patch(json!({"metadata": {"finalizers": ["lockkeeper.dev/application"]}})).unwrap();
    patch(json!({"metadata": {"finalizers": null}})).unwrap();
}
