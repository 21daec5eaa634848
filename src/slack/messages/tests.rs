//! The card and the thread of a rollout at its stages, as text.

use serde_json::{Value, json};

use super::{card, thread};
use crate::{
    api::{FlinkApplication, FlinkRollout},
    slack::refused::Refused,
};

fn application() -> FlinkApplication {
    serde_json::from_value(json!({
        "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkApplication", "metadata": {"name": "orders", "namespace": "shop"},
        "spec": {
            "chart": {"path": "/c"}, "versionValue": "version", "jobManager": "jm", "taskManager": "tm", "restService": {"name": "rest"},
            "savepoint": {"directory": "file:/sp"}, "highAvailability": {"kubernetesClusterId": "o", "clusterId": "o"},
            "approvals": {"required": 1, "groups": ["S1"]},
        },
    }))
    .unwrap()
}

fn rollout(status: &Value) -> FlinkRollout {
    let mut rollout: FlinkRollout = serde_json::from_value(json!({
        "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkRollout",
        "metadata": {"name": "orders-1", "namespace": "shop", "creationTimestamp": "2026-01-01T12:00:00Z"},
        "spec": {"request": {"application": "orders", "by": "slack:T/U1", "reason": "late <events> & more", "kind": "Deploy", "version": "1.1.0"}},
    }))
    .unwrap();
    let mut full = json!({
        "plan": {
            "digest": "d1", "approvalsNeeded": 1, "expiresAt": "2026-01-01T12:30:00Z", "firstDeployment": false, "previousRevision": 0,
            "fromVersion": "1.0.0", "toVersion": "1.1.0", "changes": ["~ Deployment tm spec.replicas: 1 → 2", "- ConfigMap c: a: 1"],
            "target": {"revision": 1, "taskManagerReplicas": 3, "kubernetesClusterId": "o"},
            "settings": {
                "jobManager": "jm", "taskManager": "tm", "restService": {"name": "rest", "port": 8081},
                "savepoint": {"directory": "file:/sp", "format": "CANONICAL", "timeoutSeconds": 60},
                "monitor": {}, "startDeadlineSeconds": 60, "automaticRollback": true,
            },
        },
    });
    full.as_object_mut().unwrap().extend(status.as_object().unwrap().clone());
    rollout.status = Some(serde_json::from_value(full).unwrap());
    rollout
}

fn stage(name: &str, direction: &str, outcome: Option<&str>, evidence: &str) -> Value {
    let mut record =
        json!({"stage": name, "direction": direction, "startedAt": "2026-01-01T12:00:00Z", "evidence": evidence});
    if let Some(outcome) = outcome {
        record["endedAt"] = json!("2026-01-01T12:01:05Z");
        record["outcome"] = json!(outcome);
    }
    record
}

fn point() -> Value {
    json!({"name": "orders-1", "kind": "Savepoint", "path": "s3://sp/1", "sizeBytes": 2_202_009, "jobId": "00000000000000000000000000000000", "at": "2026-01-01T12:00:30Z"})
}

/// The texts of the blocks, one on each line, with buttons in brackets.
fn visible_text(blocks: &[Value]) -> String {
    fn texts(value: &Value, lines: &mut Vec<String>) {
        if value["type"] == "button" {
            lines.push(format!(
                "[{}] {}",
                value["text"]["text"].as_str().unwrap(),
                value["confirm"]["text"]["text"].as_str().unwrap()
            ));
            return;
        }
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(text)) = fields.get("text") {
                    lines.push(text.clone());
                }
                fields.values().for_each(|value| texts(value, lines));
            }
            Value::Array(items) => items.iter().for_each(|item| texts(item, lines)),
            _ => {}
        }
    }
    let mut lines = Vec::new();
    for block in blocks {
        texts(block, &mut lines);
    }
    lines.join("\n")
}

fn card_and_thread(rollout: &FlinkRollout) -> String {
    let card = card(rollout);
    let mut parts = vec![format!("({})\n{}", card.text, visible_text(&card.blocks))];
    for line in thread(rollout, Some(&application())) {
        let loud = if line.broadcast { ", notifies" } else { "" };
        parts.push(format!("({}{loud})\n{}", line.key, visible_text(&line.blocks)));
    }
    parts.join("\n\n")
}

#[test]
fn a_waiting_rollout_shows_its_plan_and_asks_for_approval() {
    insta::assert_snapshot!(card_and_thread(&rollout(&json!({
        "stage": "Approve", "phase": "Approve", "message": "waits for 1 of 1 approvals",
        "stages": [stage("Plan", "Forward", Some("Done"), "plan d1 with 2 changes"), stage("Approve", "Forward", None, "")],
    }))));
}

#[test]
fn an_automatic_rollback_shows_its_failure_and_its_end() {
    let failure = "3 restarts, 0 allowed: java.lang.IllegalStateException: <boom>";
    insta::assert_snapshot!(card_and_thread(&rollout(&json!({
        "stage": "Monitor", "direction": "Back", "phase": "RolledBack", "restorePoint": point(), "downtimeMillis": 17_400,
        "failure": {"stage": "Monitor", "message": failure, "at": "2026-01-01T12:02:00Z"},
        "result": {"kind": "RolledBack", "message": failure, "at": "2026-01-01T12:03:00Z"},
        "stages": [
            stage("Plan", "Forward", Some("Done"), "plan d1 with 2 changes"),
            stage("Approve", "Forward", Some("Done"), "approved by slack:T/U2"),
            stage("Savepoint", "Forward", Some("Done"), "s3://sp/1"),
            stage("Monitor", "Forward", Some("Failed"), failure),
            stage("Stop", "Back", Some("Done"), "no pod is left"),
            stage("ClearHA", "Back", Some("Skipped"), "no HA metadata was left"),
            stage("Monitor", "Back", Some("Done"), "0 restarts and 5 checkpoints in 15 s"),
        ],
    }))));
}

#[test]
fn a_halted_rollout_shows_its_reason_and_its_commands() {
    insta::assert_snapshot!(card_and_thread(&rollout(&json!({
        "stage": "Verify", "direction": "Back", "phase": "Halted", "message": "no image", "restorePoint": point(),
        "halt": {"stage": "Verify", "message": "no image", "parked": true, "at": "2026-01-01T12:02:00Z",
            "commands": ["kubectl -n shop scale deployment jm --replicas=1"]},
        "stages": [stage("Verify", "Back", Some("Failed"), "no image")],
    }))));
}

#[test]
fn an_untouched_rollout_offers_other_start_states() {
    insta::assert_snapshot!(card_and_thread(&rollout(&json!({
        "stage": "Savepoint", "phase": "Untouched",
        "result": {"kind": "Untouched", "message": "no savepoint, and the job runs on: disk full", "at": "2026-01-01T12:02:00Z",
            "choices": [
                {"startFrom": {"from": "LastCheckpoint"}, "cost": "the newest checkpoint known is s3://cp/7, 12 s old"},
                {"startFrom": {"from": "RestorePoint", "value": "orders-0"}, "cost": "s3://sp/0, taken yesterday; what was emitted after it is emitted again"},
                {"startFrom": {"from": "Nothing"}, "cost": "an empty start; whatever state there was is lost"},
            ]},
        "stages": [stage("Savepoint", "Forward", Some("Failed"), "no savepoint, and the job runs on: disk full")],
    }))));
}

fn halt(stage: &str) -> Value {
    json!({"stage": stage, "message": "no <image>", "parked": false, "at": "2026-01-01T12:02:00Z",
        "commands": ["kubectl -n shop scale deployment jm --replicas=1"]})
}

/// A decision: its id, kind and person, and the result, message and time of its record.
type Said<'a> = (&'a str, &'a str, &'a str, (&'a str, &'a str, &'a str));

fn with_decisions(mut rollout: FlinkRollout, all: &[Said<'_>]) -> FlinkRollout {
    let said = all.iter().map(|(id, kind, by, _)| {
        json!({"id": id, "kind": kind, "by": by, "at": "2026-01-01T12:00:20Z", "planDigest": "d1", "reason": (*kind != "Approve").then_some("<why>")})
    });
    rollout.spec.decisions = serde_json::from_value(said.collect()).unwrap();
    let records = all.iter().filter(|(.., (outcome, ..))| !outcome.is_empty()).map(|(id, _, _, (outcome, message, at))| {
        json!({"id": id, "result": outcome, "message": message, "at": format!("2026-01-01T{at}Z")})
    });
    rollout.status.as_mut().unwrap().decisions = serde_json::from_value(records.collect()).unwrap();
    rollout
}

fn lines(rollout: &FlinkRollout) -> String {
    let lines = thread(rollout, Some(&application())).into_iter();
    lines.map(|line| visible_text(&line.blocks)).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_decision_is_shown_once_with_its_person() {
    let two = |status: Value| {
        let mut rollout = rollout(&status);
        rollout.status.as_mut().unwrap().plan.as_mut().unwrap().approvals_needed = 2;
        rollout
    };
    let (bob, erin, dave) = ("slack:T/U2", "slack:T/U22", "kubernetes:system:dave");
    let applied = |message, at| ("Applied", message, at);
    let waiting = two(json!({"stage": "Approve", "stages": [stage("Approve", "Forward", None, "")]}));
    let refused = ("Refused", "kubernetes:system:dave is not among the approvers of this application", "12:00:10");
    let waiting = with_decisions(
        waiting,
        &[
            ("a1", "Approve", dave, refused),
            ("a2", "Approve", bob, applied("approved", "12:00:30")),
            ("a3", "Approve", erin, applied("approved", "12:00:31")),
            ("a4", "Reject", erin, ("", "", "")),
        ],
    );
    // Two people approved. After a halt one resumed it and the other gave up on it. A third decided too late.
    let status = json!({
        "stage": "Monitor", "direction": "Back", "phase": "Abandoned",
        "failure": {"stage": "Verify", "message": "rolled back by slack:T/U2: <why>", "at": "2026-01-01T12:01:30Z"},
        "result": {"kind": "Abandoned", "message": "slack:T/U22 gave up on it: <why>", "at": "2026-01-01T12:10:00Z"},
        "stages": [
            stage("Approve", "Forward", Some("Done"), "approved by slack:T/U2, slack:T/U22"),
            stage("Verify", "Forward", Some("Failed"), "rolled back by slack:T/U2: <why>"),
            stage("Monitor", "Back", Some("Failed"), "slack:T/U22 gave up on it: <why>"),
        ],
    });
    let ended = with_decisions(
        two(status),
        &[
            ("a1", "Approve", bob, applied("approved", "12:00:30")),
            ("a2", "Approve", erin, applied("approved", "12:00:31")),
            ("r1", "RollBack", bob, applied("rolling back", "12:01:04")),
            ("r2", "Resume", bob, applied("resumed", "12:05:00")),
            ("r3", "Abort", dave, ("Refused", "it is rolling back already", "12:06:00")),
            ("r4", "GiveUp", erin, applied("ended as Abandoned", "12:10:00")),
            ("r5", "Resume", dave, applied("ended as Abandoned", "12:10:00")),
        ],
    );
    insta::assert_snapshot!([lines(&waiting), lines(&ended)].join("\n\n"));
    let keys: Vec<String> = thread(&ended, None).into_iter().map(|line| line.key).collect();
    let mut different = keys.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), keys.len(), "{keys:?}");
}

#[test]
fn an_approval_that_came_after_the_end_is_shown_too() {
    let status = json!({
        "stage": "Approve", "result": {"kind": "Untouched", "message": "aborted by slack:T/U1", "at": "2026-01-01T12:01:05Z"},
        "stages": [stage("Approve", "Forward", Some("Failed"), "aborted by slack:T/U1")],
    });
    let said = with_decisions(
        rollout(&status),
        &[
            ("a1", "Abort", "slack:T/U1", ("Applied", "ended as Untouched", "12:01:05")),
            ("a2", "Approve", "slack:T/U2", ("Applied", "ended as Untouched", "12:01:05")),
        ],
    );
    let lines = lines(&said);
    assert!(lines.contains("<@U2> said *approve* · ended as Untouched"), "{lines}");
    assert!(!lines.contains("<@U1> said"), "the end names who aborted it:\n{lines}");
}

#[test]
fn the_status_names_the_job_and_the_commands_for_a_halted_rollout() {
    let mut orders = application();
    orders.status = serde_json::from_value(json!({
        "version": "1.0.0", "activeRollout": {"name": "orders-1", "uid": "u1", "revision": 1},
        "revisions": [], "restorePoints": [point()],
    }))
    .unwrap();
    let job = json!({"jobId": "000000000000000000000000000000ab", "startPath": "s3://sp/1", "runningAt": "2026-01-01T12:01:00Z"});
    let forward =
        rollout(&json!({"stage": "Monitor", "phase": "Halted", "restorePoint": point(), "halt": halt("Monitor"),
        "job": job, "downtimeMillis": 17_400}));
    let mut parked = halt("Verify");
    parked["parked"] = json!(true);
    let back = rollout(&json!({"stage": "Verify", "direction": "Back", "phase": "Halted", "halt": parked, "job": job}));
    let said = |application: &FlinkApplication, rollout: FlinkRollout| super::status(application, &[rollout.into()]);
    let mut idle = orders.clone();
    idle.status.as_mut().unwrap().active_rollout = None;
    idle.spec.channel = Some("C1".into());
    let done = rollout(&json!({"stage": "Monitor", "job": job, "downtimeMillis": 17_400,
        "result": {"kind": "Succeeded", "message": "good", "at": "2026-01-01T12:10:00Z"}}));
    insta::assert_snapshot!([said(&orders, forward), said(&orders, back), said(&idle, done)].join("\n\n"));
}

#[test]
fn the_answer_to_a_request_says_if_no_channel_will_show_it() {
    let request = rollout(&json!({})).spec.request;
    let mut orders = application();
    assert!(super::start_answer("orders-1", &request, &orders).contains("has no `channel`"));
    orders.spec.channel = Some("C1".into());
    assert_eq!(super::start_answer("orders-1", &request, &orders), "On it: orders to 1.1.0, as `orders-1`.");
}

#[test]
fn a_decision_that_comes_too_late_is_refused_with_the_reason() {
    use crate::api::DecisionKind::{Abort, Approve, GiveUp, Reject, Resume, RollBack};
    let said = |kind: &str, user: &str| json!({"id": kind, "kind": kind, "by": format!("slack:T/{user}"), "at": "2026-01-01T12:00:20Z"});
    let answers = |status: Value, decisions: &[Value], digest: &str| {
        let mut rollout = rollout(&status);
        rollout.spec.decisions = serde_json::from_value(json!(decisions)).unwrap();
        let each = [Approve, Reject, Abort, RollBack, Resume, GiveUp];
        let rollout = std::sync::Arc::new(rollout);
        let answer = |decision| {
            let refusal = crate::rollout::decision_refusal(rollout.status.as_ref().unwrap(), decision, Some(digest))?;
            Some(super::refusal(&Refused::NotNow { rollout: rollout.clone(), decision, refusal }))
        };
        each.map(|kind| format!("{kind:?}: {}", answer(kind).unwrap_or_default())).join("\n")
    };
    let ended = json!({"stage": "Approve", "result":
        {"kind": "Untouched", "message": "rejected by slack:T/U2: not <today>", "at": "2026-01-01T12:00:30Z"}});
    insta::assert_snapshot!(
        [
            answers(json!({"stage": "Approve"}), &[], "d0"),
            answers(json!({"stage": "Savepoint"}), &[said("Approve", "U2")], "d1"),
            answers(
                json!({"stage": "Stop", "direction": "Back"}),
                &[said("Approve", "U2"), said("RollBack", "U3")],
                "d1"
            ),
            answers(ended, &[said("Reject", "U2")], "d1"),
            answers(json!({"stage": "Savepoint", "halt": halt("Savepoint")}), &[], "d1"),
            answers(json!({"stage": "Verify", "halt": halt("Verify"), "restorePoint": point()}), &[], "d1"),
            answers(json!({"stage": "Monitor", "restorePoint": point()}), &[], "d1"),
        ]
        .join("\n\n")
    );
}

#[test]
fn whoever_approves_sees_another_start_state() {
    let mut rollout = rollout(&json!({"stage": "Approve", "stages": [stage("Approve", "Forward", None, "")]}));
    rollout.spec.request.start_from = crate::api::StartFrom::plain(crate::api::StartFromKind::Nothing);
    assert!(visible_text(&card(&rollout).blocks).contains("*Starts from*\nnothing"));
    assert!(card_and_thread(&rollout).contains("asked by <@U1>, starting from nothing"));
}

/// The first line of the request for approval.
fn request_text(rollout: &FlinkRollout) -> String {
    let lines = thread(rollout, Some(&application()));
    lines.into_iter().find(|line| line.key == "approval").unwrap().text
}

#[test]
fn a_request_that_is_closed_says_so_and_mentions_nobody() {
    let closed = |outcome: &str, evidence: &str, decisions: Value, answers: Value| {
        let mut rollout = rollout(&json!({
            "stage": "Savepoint", "phase": "Untouched", "decisions": answers,
            "stages": [stage("Approve", "Forward", Some(outcome), evidence)],
            "result": {"kind": "Untouched", "message": evidence, "at": "2026-01-01T12:01:05Z"},
        }));
        rollout.spec.decisions = serde_json::from_value(decisions).unwrap();
        request_text(&rollout)
    };
    let said = |kind: &str| json!([{"id": "1", "kind": kind, "by": "slack:T/U2", "reason": "not today", "at": "2026-01-01T12:01:00Z"}]);
    let answered = json!([{"id": "1", "result": "Applied", "message": "", "at": "2026-01-01T12:01:05Z"}]);
    let none = json!([]);
    insta::assert_snapshot!(
        [
            closed("Done", "approved by slack:T/U2", none.clone(), none.clone()),
            closed("Failed", "rejected by slack:T/U2: not today", said("Reject"), answered.clone()),
            closed("Failed", "aborted by slack:T/U2: not today", said("Abort"), answered),
            closed("Failed", "expired: 0 of 1 approvals came in time", none.clone(), none),
        ]
        .join("\n"),
        @r"
    ✓ *orders 1.0.0 → 1.1.0* approved by <@U2>, <!date^1767268865^{date_short_pretty} {time_secs}|2026-01-01T12:01:05Z>
    ✗ *orders 1.0.0 → 1.1.0* rejected by <@U2>: not today, <!date^1767268865^{date_short_pretty} {time_secs}|2026-01-01T12:01:05Z>
    – *orders 1.0.0 → 1.1.0* withdrawn by <@U2>: not today, <!date^1767268865^{date_short_pretty} {time_secs}|2026-01-01T12:01:05Z>
    – *orders 1.0.0 → 1.1.0* was not approved: expired: 0 of 1 approvals came in time, <!date^1767268865^{date_short_pretty} {time_secs}|2026-01-01T12:01:05Z>
    "
    );
}

#[test]
fn a_request_counts_the_approvals_that_it_has() {
    let mut rollout = rollout(&json!({"stage": "Approve", "stages": [stage("Approve", "Forward", None, "")]}));
    rollout.status.as_mut().unwrap().plan.as_mut().unwrap().approvals_needed = 2;
    rollout.spec.decisions = serde_json::from_value(
        json!([{"id": "1", "kind": "Approve", "by": "slack:T/U2", "planDigest": "d1", "at": "2026-01-01T12:01:00Z"}]),
    )
    .unwrap();
    let lines = thread(&rollout, Some(&application()));
    let request = lines.into_iter().find(|line| line.key == "approval").unwrap();
    assert!(visible_text(&request.blocks).contains("1 of 2: <@U2>"), "{}", visible_text(&request.blocks));
}

#[test]
fn a_halt_that_is_over_loses_its_buttons_and_its_mention() {
    let rollout = rollout(&json!({
        "stage": "Verify", "phase": "Verify",
        "stages": [stage("Deploy", "Back", Some("Done"), ""), stage("Verify", "Back", None, "")],
        "pastHalts": [{"stage": "Restore", "stages": 1, "message": "no quota", "until": "2026-01-01T12:09:00Z"}],
    }));
    let lines = thread(&rollout, Some(&application()));
    let halt = lines.into_iter().find(|line| line.key == "halt-1").unwrap();
    assert!(halt.changes, "the message that was posted is changed");
    insta::assert_snapshot!(visible_text(&halt.blocks), @"was halted in Restore until <!date^1767269340^{date_short_pretty} {time_secs}|2026-01-01T12:09:00Z>: no quota");
}
