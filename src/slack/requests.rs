//! What is asked for when somebody types a command or presses a button: the request that a new rollout carries for good.

use kube::ResourceExt as _;

use crate::api::{FlinkApplication, FlinkRollout, Request, RequestKind, StartFrom};

/// A version, from some state.
pub(super) fn deploy(
    application: &FlinkApplication,
    (version, start_from): (String, StartFrom),
    reason: Option<String>,
    by: String,
) -> Request {
    Request {
        application: application.name_any(),
        by,
        reason,
        kind: RequestKind::Deploy,
        version: Some(version),
        revision: None,
        start_from,
    }
}

/// A roll back after success: with the state of now (carry), or with that of the point when the current revision took over (rewind).
pub(super) fn roll_back(application: &FlinkApplication, rewind: bool, by: String) -> Result<Request, String> {
    let status = application.status.clone().unwrap_or_default();
    let start_from = if rewind {
        let current = status.revisions.last().and_then(|revision| revision.rollout.clone());
        let points = &status.restore_points;
        let taken = points.iter().rev().find(|point| Some(&point.name) == current.as_ref());
        let point = taken.or(points.last()).ok_or("There is no restore point to rewind to.")?;
        StartFrom::restore_point(&point.name)
    } else {
        StartFrom::default()
    };
    Ok(Request {
        application: application.name_any(),
        by,
        reason: None,
        kind: RequestKind::RollBack,
        version: None,
        revision: None,
        start_from,
    })
}

/// The same as an ended rollout asked for, from one of the other start states that its end offered.
pub(super) fn retry(ended: &FlinkRollout, (uid, choice): (&str, usize), by: String) -> Result<Request, String> {
    let name = ended.name_any();
    if ended.metadata.uid.as_deref() != Some(uid) {
        return Err(format!("This was another rollout `{name}`, which is gone: type the command again."));
    }
    let result = ended.status.as_ref().and_then(|status| status.result.as_ref());
    let choice = result.and_then(|result| result.choices.get(choice));
    let choice = choice.ok_or_else(|| format!("`{name}` does not offer that: type the command again."))?;
    let request = ended.spec.request.clone();
    let why = request.reason.map_or_else(String::new, |reason| format!(": {reason}"));
    let reason = format!("instead of {name}{why}").chars().take(500).collect();
    Ok(Request { by, reason: Some(reason), start_from: choice.start_from.clone(), ..request })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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

    #[test]
    fn a_retry_is_the_same_request_by_somebody_else_from_somewhere_else() {
        let request = retry(&ended(), ("u1", 1), "slack:T/U2".into()).unwrap();
        let expected = Request {
            by: "slack:T/U2".into(),
            reason: Some("instead of orders-1: late events".into()),
            start_from: StartFrom::restore_point("orders-0"),
            ..ended().spec.request
        };
        assert_eq!(request, expected);
    }

    #[test]
    fn a_retry_of_what_is_not_there_is_refused() {
        assert!(retry(&ended(), ("u1", 2), "slack:T/U2".into()).unwrap_err().contains("does not offer that"));
        assert!(retry(&ended(), ("u9", 0), "slack:T/U2".into()).unwrap_err().contains("another rollout"));
    }

    #[test]
    fn a_reason_that_gets_longer_still_fits() {
        let mut long = ended();
        long.spec.request.reason = Some("x".repeat(500));
        assert_eq!(retry(&long, ("u1", 0), "slack:T/U2".into()).unwrap().reason.unwrap().chars().count(), 500);
    }
}
