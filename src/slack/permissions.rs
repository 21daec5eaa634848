//! Who may do what, by the rules of the FlinkApplication. Where the groups of a person are not known, they are refused.

use super::{
    groups::Membership,
    refused::{Refused, Right},
};
use crate::api::{DecisionKind, FlinkApplication, FlinkRollout, Person};

/// Checks whether a person may start rollouts of an application and decide about them.
pub(super) fn may_deploy(application: &FlinkApplication, person: &Person, groups: &Membership) -> Result<(), Refused> {
    let people = &application.spec.deployers;
    if let Person::Slack { user, .. } = person
        && people.users.contains(user)
    {
        return Ok(());
    }
    check_groups(&people.groups, groups, Right::Deploy)
}

/// Checks whether a person may make this decision about a rollout.
pub(super) fn may_decide(
    application: &FlinkApplication,
    rollout: &FlinkRollout,
    person: &Person,
    groups: &Membership,
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
        check_groups(approvers, groups, Right::Approve)
    }
}

fn check_groups(wanted: &[String], groups: &Membership, right: Right) -> Result<(), Refused> {
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
    fn a_person_whose_groups_are_not_known_is_refused() {
        let application = application();
        assert!(may_deploy(&application, &Person::slack("T", "U1"), &None).is_ok());
        assert!(may_deploy(&application, &Person::slack("T", "U2"), &None).is_err());
        assert!(may_deploy(&application, &Person::slack("T", "U2"), &Some(vec!["S1".into()])).is_ok());
        let refused = may_deploy(&application, &Person::slack("T", "U2"), &Some(vec!["S9".into()])).unwrap_err();
        assert!(refusal(&refused).contains("<!subteam^S1>"));
    }

    #[test]
    fn whoever_asks_for_a_rollout_does_not_approve_it() {
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
