//! Who may do what, from the application's own rules and from memory. What is not known is refused.

use super::refused::{Refused, Right};
use crate::api::{DecisionKind, FlinkApplication, FlinkRollout, Person};

/// The groups that a person is in; none if that is not known, or older than it may be.
pub(super) type Groups = Option<Vec<String>>;

/// Whether a person may start rollouts of an application and decide about them.
pub(super) fn may_deploy(application: &FlinkApplication, person: &Person, groups: &Groups) -> Result<(), Refused> {
    let people = &application.spec.deployers;
    if let Person::Slack { user, .. } = person
        && people.users.contains(user)
    {
        return Ok(());
    }
    in_one_of(&people.groups, groups, Right::Deploy)
}

/// Whether a person may say this to a rollout.
pub(super) fn may_decide(
    application: &FlinkApplication,
    rollout: &FlinkRollout,
    person: &Person,
    groups: &Groups,
    decision: DecisionKind,
) -> Result<(), Refused> {
    if !matches!(decision, DecisionKind::Approve | DecisionKind::Reject) {
        return may_deploy(application, person, groups);
    }
    if decision == DecisionKind::Approve && rollout.spec.request.by == *person {
        return Err(Refused::OwnRollout);
    }
    let approvers = &application.spec.approvals.groups;
    if approvers.is_empty() {
        may_deploy(application, person, groups)
    } else {
        in_one_of(approvers, groups, Right::Approve)
    }
}

fn in_one_of(wanted: &[String], groups: &Groups, right: Right) -> Result<(), Refused> {
    let Some(groups) = groups else { return Err(Refused::GroupsNotKnown) };
    if wanted.iter().any(|group| groups.contains(group)) {
        return Ok(());
    }
    Err(Refused::NotPermitted { right, groups: wanted.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slack::messages::refusal;

    fn application() -> FlinkApplication {
        serde_json::from_value(serde_json::json!({
            "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkApplication", "metadata": {"name": "orders"},
            "spec": {
                "chart": {"path": "/c"}, "versionValue": "version", "jobManager": "jm", "taskManager": "tm", "restService": {"name": "rest"},
                "savepoint": {"directory": "file:/s"}, "highAvailability": {"kubernetesClusterId": "o", "clusterId": "o"},
                "deployers": {"users": ["U1"], "groups": ["S1"]}, "approvals": {"required": 1, "groups": ["S2"]},
            },
        }))
        .unwrap()
    }

    #[test]
    fn unknown_groups_are_refused_not_let_through() {
        let application = application();
        assert!(may_deploy(&application, &Person::slack("T", "U1"), &None).is_ok());
        assert!(may_deploy(&application, &Person::slack("T", "U2"), &None).is_err());
        assert!(may_deploy(&application, &Person::slack("T", "U2"), &Some(vec!["S1".into()])).is_ok());
        let refused = may_deploy(&application, &Person::slack("T", "U2"), &Some(vec!["S9".into()])).unwrap_err();
        assert!(refusal(&refused).contains("<!subteam^S1>"));
    }

    #[test]
    fn who_asks_does_not_approve() {
        let rollout: FlinkRollout = serde_json::from_value(serde_json::json!({
            "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkRollout", "metadata": {"name": "r"},
            "spec": {"request": {"application": "orders", "by": "slack:T/U1", "kind": "Deploy", "version": "1"}},
        }))
        .unwrap();
        let in_group = Some(vec!["S2".to_owned()]);
        assert!(
            may_decide(&application(), &rollout, &Person::slack("T", "U1"), &in_group, DecisionKind::Approve).is_err()
        );
        assert!(
            may_decide(&application(), &rollout, &Person::slack("T", "U2"), &in_group, DecisionKind::Approve).is_ok()
        );
        assert!(
            may_decide(&application(), &rollout, &Person::slack("T", "U2"), &Some(vec![]), DecisionKind::Approve)
                .is_err()
        );
    }
}
