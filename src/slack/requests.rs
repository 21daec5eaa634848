//! The request of a new rollout, from a command or a button. A request never changes once it is recorded.

use std::sync::Arc;

use kube::ResourceExt as _;

use super::{action::OfferedChoice, command::MAX_REASON, refused::Refused};
use crate::{
    api::{
        DecisionKind, FlinkApplication, FlinkApplicationStatus, FlinkRollout, Person, Request, RequestKind,
        RestorePoint, StartFrom,
    },
    rollout::{DecisionRefusal, decision_refusal},
    text::truncate,
};

/// What a deploy command asks for.
pub(super) struct Deployment {
    pub version: String,
    pub start_from: StartFrom,
    pub reason: Option<String>,
}

/// The request of a deploy command.
pub(super) fn deploy(application: &FlinkApplication, deployment: Deployment, person: &Person) -> Request {
    Request {
        application: application.name_any(),
        by: person.clone(),
        reason: deployment.reason,
        kind: RequestKind::Deploy,
        version: Some(deployment.version),
        revision: None,
        start_from: deployment.start_from,
    }
}

/// What `/flink rollback APP` leads to.
#[derive(Debug)]
pub(super) enum RollBack {
    /// The active rollout turns back, by a decision on it.
    TurnBack,
    /// No rollout is active, so that a new one is asked for.
    Start(Request),
}

/// Decides between the active rollout and a new one. An active rollout always goes back to its own restore point.
pub(super) fn roll_back(
    application: &FlinkApplication,
    active: Option<&Arc<FlinkRollout>>,
    rewind: bool,
    person: &Person,
) -> Result<RollBack, Refused> {
    let Some(active) = active else { return roll_back_request(application, rewind, person).map(RollBack::Start) };
    let status = active.status.clone().unwrap_or_default();
    match decision_refusal(&status, DecisionKind::RollBack, None) {
        None if rewind => {
            Err(Refused::RewindOfActive { rollout: active.name_any(), application: application.name_any() })
        }
        None => Ok(RollBack::TurnBack),
        // Its result is recorded, and the claim is released in a moment.
        Some(DecisionRefusal::Ended) => roll_back_request(application, rewind, person).map(RollBack::Start),
        Some(refusal) => Err(Refused::NotTurnedBack { rollout: Arc::clone(active), refusal }),
    }
}

/// A roll back after success. It takes the state of now (carry), or the state from before the current revision (rewind).
fn roll_back_request(application: &FlinkApplication, rewind: bool, person: &Person) -> Result<Request, Refused> {
    let status = application.status.clone().unwrap_or_default();
    let start_from = if rewind {
        StartFrom::restore_point(&restore_point_before_current(&application.name_any(), &status)?.name)
    } else {
        StartFrom::default()
    };
    Ok(Request {
        application: application.name_any(),
        by: person.clone(),
        reason: None,
        kind: RequestKind::RollBack,
        version: None,
        revision: None,
        start_from,
    })
}

/// The restore point that was taken when the current revision replaced the one before. Any other one has the wrong state.
fn restore_point_before_current<'a>(
    application: &str,
    status: &'a FlinkApplicationStatus,
) -> Result<&'a RestorePoint, Refused> {
    let current = status.revisions.iter().find(|revision| Some(revision.number) == status.revision);
    let rollout = current.and_then(|revision| revision.rollout.as_ref());
    let point = status.restore_points.iter().find(|point| Some(&point.name) == rollout);
    if let Some(point) = point {
        return Ok(point);
    }
    Err(Refused::NothingToRewindTo {
        application: application.to_owned(),
        status: Box::new(status.clone()),
        deployed_by_lockkeeper: rollout.is_some(),
    })
}

/// The request of an ended rollout again, from one of the other start states that its end offers.
pub(super) fn retry(ended: &FlinkRollout, offered: &OfferedChoice, person: &Person) -> Result<Request, Refused> {
    let name = ended.name_any();
    if ended.metadata.uid.as_ref() != Some(&offered.uid) {
        return Err(Refused::OtherRollout { rollout: name });
    }
    let result = ended.status.as_ref().and_then(|status| status.result.as_ref());
    let choice = result.and_then(|result| result.choices.get(offered.index));
    let Some(choice) = choice else { return Err(Refused::NotOffered { rollout: name }) };
    let request = ended.spec.request.clone();
    let former = request.reason.map_or_else(String::new, |reason| format!(": {reason}"));
    let reason = truncate(&format!("instead of {name}{former}"), MAX_REASON);
    Ok(Request { by: person.clone(), reason: Some(reason), start_from: choice.start_from.clone(), ..request })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::slack::messages::refusal;

    fn ended() -> FlinkRollout {
        serde_json::from_value(json!({
            "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkRollout", "metadata": {"name": "orders-1", "uid": "u1"},
            "spec": {"request": {"application": "orders", "by": "slack:T/U1", "reason": "late events", "kind": "Deploy", "version": "1.1.0"}},
            "status": {"result": {"kind": "Untouched", "message": "no savepoint", "at": "2026-01-01T12:00:00Z", "choices": [
                {"startFrom": {"from": "LastCheckpoint"}, "cost": "12 s"},
                {"startFrom": {"from": "RestorePoint", "value": "orders-0"}, "cost": "a day"},
            ]}},
        }))
        .unwrap()
    }

    fn offered(uid: &str, index: usize) -> OfferedChoice {
        OfferedChoice { index, uid: uid.to_owned() }
    }

    #[test]
    fn a_retry_is_the_same_request_with_another_person_and_start_state() {
        let request = retry(&ended(), &offered("u1", 1), &Person::slack("T", "U2")).unwrap();
        let expected = Request {
            by: "slack:T/U2".into(),
            reason: Some("instead of orders-1: late events".into()),
            start_from: StartFrom::restore_point("orders-0"),
            ..ended().spec.request
        };
        assert_eq!(request, expected);
    }

    #[test]
    fn a_retry_of_an_unknown_choice_is_refused() {
        assert!(
            refusal(&retry(&ended(), &offered("u1", 2), &Person::slack("T", "U2")).unwrap_err())
                .contains("does not offer that")
        );
        assert!(
            retry(&ended(), &offered("u9", 0), &Person::slack("T", "U2"))
                .is_err_and(|refused| refusal(&refused).contains("another rollout"))
        );
    }

    /// Helm installed revision 0, and Lockkeeper the others. The restore points of orders-1 and orders-3 are known, that of orders-2 is not.
    fn application(revision: u32, version: &str) -> FlinkApplication {
        let point = |name: &str, revision: u32| {
            json!({"name": name, "kind": "Savepoint", "path": format!("s3://sp/{name}"), "jobId": "00000000000000000000000000000000", "at": "2026-01-01T12:00:00Z",
                "revision": revision})
        };
        serde_json::from_value(json!({
            "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkApplication", "metadata": {"name": "orders"},
            "spec": {
                "chart": {"path": "/c"}, "versionValue": "version", "jobManager": "jm", "taskManager": "tm", "restService": {"name": "rest"},
                "savepoint": {"directory": "file:/s"}, "highAvailability": {"kubernetesClusterId": "o", "clusterId": "o"},
            },
            "status": {
                "revision": revision, "version": version,
                "revisions": [
                    {"number": 0, "version": "1.0.0", "at": "2026-01-01T12:00:00Z"},
                    {"number": 1, "version": "1.1.0", "rollout": "orders-1", "at": "2026-01-01T12:00:00Z"},
                    {"number": 3, "version": "1.3.0", "rollout": "orders-3", "at": "2026-01-01T12:00:00Z"},
                    {"number": 2, "version": "1.2.0", "rollout": "orders-2", "at": "2026-01-01T12:00:00Z"},
                ],
                "restorePoints": [point("orders-1", 0), point("orders-3", 1), point("orders-failed", 9)],
            },
        }))
        .unwrap()
    }

    #[test]
    fn a_rewind_goes_only_to_the_point_from_before_the_current_revision() {
        let rewind = |revision, version| match roll_back_request(
            &application(revision, version),
            true,
            &Person::slack("T", "U1"),
        ) {
            Ok(request) => request.start_from.value.unwrap_or_default(),
            Err(refused) => refusal(&refused),
        };
        assert_eq!(rewind(1, "1.1.0"), "orders-1");
        assert_eq!(rewind(3, "1.3.0"), "orders-3");
        insta::assert_snapshot!([rewind(2, "1.2.0"), rewind(0, "1.0.0")].join("\n\n"), @"
        There is no restore point to rewind to: the one from before 1.2.0 is no longer known. Name one of those that are:
        `/flink deploy orders VERSION from restore-point orders-failed` taken <!date^1767268800^{date_short_pretty} {time_secs}|2026-01-01T12:00:00Z>
        `/flink deploy orders 1.1.0 from restore-point orders-3` taken <!date^1767268800^{date_short_pretty} {time_secs}|2026-01-01T12:00:00Z>
        `/flink deploy orders 1.0.0 from restore-point orders-1` taken <!date^1767268800^{date_short_pretty} {time_secs}|2026-01-01T12:00:00Z>

        There is no restore point to rewind to: 1.0.0 was not deployed by Lockkeeper. Name one of those that are:
        `/flink deploy orders VERSION from restore-point orders-failed` taken <!date^1767268800^{date_short_pretty} {time_secs}|2026-01-01T12:00:00Z>
        `/flink deploy orders 1.1.0 from restore-point orders-3` taken <!date^1767268800^{date_short_pretty} {time_secs}|2026-01-01T12:00:00Z>
        `/flink deploy orders 1.0.0 from restore-point orders-1` taken <!date^1767268800^{date_short_pretty} {time_secs}|2026-01-01T12:00:00Z>
        ");
        let mut never = application(0, "");
        never.status = None;
        let problem = refusal(&roll_back_request(&never, true, &Person::slack("T", "U1")).unwrap_err());
        assert!(problem.starts_with("There is no restore point to rewind to"), "{problem}");
    }

    #[test]
    fn a_rollback_turns_the_active_rollout_back_or_says_why_not() {
        let orders = application(1, "1.1.0");
        let point = &orders.status.as_ref().unwrap().restore_points[0];
        let active = |status: serde_json::Value| {
            let mut rollout = ended();
            rollout.status = Some(serde_json::from_value(status).unwrap());
            Arc::new(rollout)
        };
        let halt = json!({"stage": "Savepoint", "message": "no answer", "parked": false, "at": "2026-01-01T12:00:00Z"});
        let mut past = json!({"stage": "Verify", "restorePoint": point});
        let answer = |status: &serde_json::Value, rewind: bool| match roll_back(
            &orders,
            Some(&active(status.clone())),
            rewind,
            &Person::slack("T", "U1"),
        ) {
            Ok(RollBack::TurnBack) => "turns it back".to_owned(),
            Ok(RollBack::Start(request)) => format!("starts a {:?} from {}", request.kind, request.start_from.from),
            Err(refused) => refusal(&refused),
        };
        let mut lines = vec![
            answer(&json!({"stage": "Approve"}), false),
            answer(&json!({"stage": "Savepoint"}), true),
            answer(&json!({"stage": "Savepoint", "halt": halt}), false),
            answer(&past, false),
            answer(&past, true),
        ];
        past["halt"] = halt;
        lines.push(answer(&past, false));
        past["direction"] = json!("Back");
        lines.push(answer(&past, false));
        lines.push(answer(&json!({"stage": "Monitor", "direction": "Back"}), true));
        let unknown = json!([{"name": "forward/0/drain-sources", "id": "0", "startedAt": "2026-01-01T12:00:00Z"}]);
        lines.push(answer(&json!({"stage": "Verify", "restorePoint": point, "operations": unknown}), false));
        lines.push(answer(&serde_json::to_value(ended().status.unwrap()).unwrap(), true));
        insta::assert_snapshot!(lines.join("\n"), @"
        `orders-1` is active, in Approve, and nothing was stopped yet: `/flink abort orders-1` ends it. No new rollout was started.
        `orders-1` is active, in Savepoint, and nothing was stopped yet: `/flink abort orders-1` ends it. No new rollout was started.
        `orders-1` is active, Halted in Savepoint, and nothing was stopped yet: `/flink resume orders-1` tries again, `/flink give-up orders-1` ends it. No new rollout was started.
        turns it back
        `orders-1` is active and its job was stopped: it can only go back to its own restore point, so `rewind` does not apply. Type `/flink rollback orders` to turn it back. Nothing was changed.
        turns it back
        `orders-1` is rolling back already. No new rollout was started.
        `orders-1` is rolling back already. No new rollout was started.
        `orders-1` was begun by another version of Lockkeeper, whose operation drain-sources this version does not know: go on with that version, or give up on it. No new rollout was started.
        starts a RollBack from the restore point
        ");
    }

    #[test]
    fn a_long_reason_is_cut_to_what_the_record_takes() {
        let mut long = ended();
        long.spec.request.reason = Some("x".repeat(500));
        assert_eq!(
            retry(&long, &offered("u1", 0), &Person::slack("T", "U2")).unwrap().reason.unwrap().chars().count(),
            500
        );
    }
}
