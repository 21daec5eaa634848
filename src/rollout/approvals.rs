//! Decides whose approvals count.

use std::collections::BTreeSet;

use crate::api::{DecisionKind, FlinkApplication, FlinkRollout, Person};

/// The different persons whose approval of this digest counts.
#[must_use]
pub fn approvers(application: Option<&FlinkApplication>, rollout: &FlinkRollout, digest: &str) -> BTreeSet<Person> {
    let approvals = rollout.spec.decisions.iter().filter(|decision| decision.kind == DecisionKind::Approve);
    approvals
        .filter(|decision| decision.plan_digest.as_deref() == Some(digest))
        .filter(|decision| decision.by != rollout.spec.request.by && may_approve(application, &decision.by))
        .map(|decision| decision.by.clone())
        .collect()
}

/// Whether a person's approval counts. The bot checked a Slack user before it wrote the decision, and nobody else can write one.
pub(super) fn may_approve(application: Option<&FlinkApplication>, person: &Person) -> bool {
    match person {
        Person::Kubernetes { user } => {
            application.is_some_and(|application| application.spec.approvals.kubernetes_users.contains(user))
        }
        Person::Slack { .. } => true,
        Person::Unknown(_) => false,
    }
}
