//! The rules that the API server enforces, each broken on purpose.

use serde_json::{Value, json};

use crate::support::{
    fixtures::{
        flink_application::flink_application,
        flink_rollout::{administrator, flink_rollout},
    },
    sandbox::{Namespace, Sandbox},
};

const BOT: &str = "--as=system:serviceaccount:lockkeeper:lockkeeper";

fn rollout_by(name: &str, by: &str) -> Value {
    let request = json!({"application": "orders", "by": by, "kind": "Deploy", "version": "1.1.0"});
    flink_rollout(name, &json!({ "request": request }))
}

fn create_as_bot(sandbox: &Sandbox, namespace: &Namespace, object: &Value) -> Result<String, String> {
    sandbox.try_kubectl(&["-n", &namespace.name, BOT, "create", "-f", "-"], Some(&object.to_string()))
}

fn patch_rollout(
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

fn assert_refused(result: Result<String, String>, with: &str) {
    let error = result.expect_err("the API server accepted it");
    assert!(error.contains(with), "refused, but with: {error}");
}

#[test]
fn a_request_is_immutable_and_decisions_are_append_only() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("rules");
    create_as_bot(&sandbox, &namespace, &rollout_by("r", "slack:T/U")).unwrap();
    let other = json!({"spec": {"request": {"version": "9.9.9"}}});
    assert_refused(patch_rollout(&sandbox, &namespace, "r", &other, &[BOT]), "spec.request is immutable");

    let decision = |id: &str| json!({"id": id, "kind": "Abort", "by": "slack:T/U", "at": "2026-01-01T00:00:00Z"});
    patch_rollout(&sandbox, &namespace, "r", &json!({"spec": {"decisions": [decision("a")]}}), &[BOT]).unwrap();
    assert_refused(
        patch_rollout(&sandbox, &namespace, "r", &json!({"spec": {"decisions": [decision("b")]}}), &[BOT]),
        "append-only",
    );
    assert_refused(
        patch_rollout(&sandbox, &namespace, "r", &json!({"spec": {"decisions": null}}), &[BOT]),
        "append-only",
    );

    let mut born_decided = rollout_by("s", "slack:T/U");
    born_decided["spec"]["decisions"] = json!([decision("a")]);
    assert_refused(create_as_bot(&sandbox, &namespace, &born_decided), "without decisions");
    let mut malformed = rollout_by("t", "slack:T/U");
    malformed["spec"]["request"]["version"] = json!("1.2.0; rm");
    assert_refused(create_as_bot(&sandbox, &namespace, &malformed), "version");
}

#[test]
fn a_job_manager_that_is_down_is_replaced_only_without_a_savepoint() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("down");
    let request = |name: &str, start_from: Value| {
        let mut rollout = rollout_by(name, "slack:T/U");
        rollout["spec"]["request"]["startFrom"] = start_from;
        create_as_bot(&sandbox, &namespace, &rollout)
    };
    let needs_a_state = "withoutSavepoint goes with RestorePoint, Path and Nothing";
    for (start_from, with) in [
        (json!({"jobManagerIsDown": true}), "jobManagerIsDown goes with withoutSavepoint"),
        (json!({"from": "Nothing", "jobManagerIsDown": true}), "jobManagerIsDown goes with withoutSavepoint"),
        (
            json!({"from": "Path", "value": "file:/s", "withoutSavepoint": false, "jobManagerIsDown": true}),
            "jobManagerIsDown goes with withoutSavepoint",
        ),
        (json!({"from": "LastCheckpoint", "withoutSavepoint": true, "jobManagerIsDown": true}), needs_a_state),
        (json!({"from": "Savepoint", "withoutSavepoint": true, "jobManagerIsDown": true}), needs_a_state),
    ] {
        assert_refused(request("r", start_from), with);
    }
    for (name, start_from) in [
        ("nothing", json!({"from": "Nothing", "withoutSavepoint": true, "jobManagerIsDown": true})),
        ("path", json!({"from": "Path", "value": "file:/s", "withoutSavepoint": true, "jobManagerIsDown": true})),
        ("point", json!({"from": "RestorePoint", "value": "r", "withoutSavepoint": true, "jobManagerIsDown": true})),
        ("not-down", json!({"jobManagerIsDown": false})),
    ] {
        request(name, start_from).unwrap();
    }
}

#[test]
fn nobody_requests_or_decides_in_another_name() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("forged");
    let by_admin =
        |object: &Value| sandbox.try_kubectl(&["-n", &namespace.name, "create", "-f", "-"], Some(&object.to_string()));
    assert_refused(by_admin(&rollout_by("r", "slack:T/U")), "only the bot speaks for people in Slack");
    assert_refused(by_admin(&rollout_by("r", "kubernetes:somebody-else")), "spec.request.by must be");
    by_admin(&rollout_by("r", &administrator(&sandbox))).unwrap();
    let forged = json!({"spec": {"decisions": [{"id": "a", "kind": "Approve", "by": "slack:T/U", "at": "2026-01-01T00:00:00Z"}]}});
    assert_refused(
        patch_rollout(&sandbox, &namespace, "r", &forged, &[]),
        "nobody decides in the name of somebody else",
    );
    assert_refused(
        patch_rollout(&sandbox, &namespace, "r", &json!({"status": {"phase": "Plan"}}), &["--subresource=status"]),
        "only Lockkeeper writes",
    );
}

#[test]
fn the_api_server_rejects_invalid_changes_of_a_status() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("record");
    create_as_bot(&sandbox, &namespace, &rollout_by("r", "slack:T/U")).unwrap();
    let status = |status: Value| {
        patch_rollout(&sandbox, &namespace, "r", &json!({"status": status}), &["--subresource=status", BOT])
    };
    assert_refused(status(json!({"stage": "Stop"})), "does not have the approvals");
    let point = json!({"name": "r", "kind": "Savepoint", "path": "file:/a", "jobId": "00000000000000000000000000000000", "at": "2026-01-01T00:00:00Z"});
    status(json!({"stage": "Plan", "epoch": 3, "restorePoint": point})).unwrap();
    assert_refused(status(json!({"restorePoint": {"path": "file:/b"}})), "a restore point never changes");
    assert_refused(status(json!({"restorePoint": null})), "a restore point never changes");
    assert_refused(status(json!({"epoch": 2})), "the epoch never goes back");
    assert_refused(status(json!({"epoch": null})), "the epoch never goes back");
    status(json!({"result": {"kind": "Untouched", "message": "x", "at": "2026-01-01T00:00:00Z"}})).unwrap();
    assert_refused(status(json!({"message": "y"})), "an ended rollout is frozen");
}

#[test]
fn the_bot_cannot_change_the_spec_of_an_application() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("spec");
    sandbox.apply(&namespace.name, &flink_application("orders", "/c", &json!({})));
    let patch = |patch: Value| {
        let patch = patch.to_string();
        let arguments =
            ["-n", &namespace.name, BOT, "patch", "flinkapplication", "orders", "--type=merge", "-p", &patch];
        sandbox.try_kubectl(&arguments, None)
    };
    assert_refused(
        patch(json!({"spec": {"channel": "C0ELSEWHERE"}})),
        "never changes what a FlinkApplication asks for",
    );
    patch(json!({"metadata": {"finalizers": ["lockkeeper.dev/application"]}})).unwrap();
    patch(json!({"metadata": {"finalizers": null}})).unwrap();
}
