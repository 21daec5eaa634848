//! Decides whose approvals count.

use std::collections::BTreeSet;

use crate::api::{DecisionKind, FlinkApplication, FlinkRollout};

/// The different persons whose approval of this digest counts.
pub(super) fn approvers(
    application: Option<&FlinkApplication>,
    rollout: &FlinkRollout,
    digest: &str,
) -> BTreeSet<String> {
    let approvals = rollout.spec.decisions.iter().filter(|decision| decision.kind == DecisionKind::Approve);
    approvals
        .filter(|decision| decision.plan_digest.as_deref() == Some(digest))
        .filter(|decision| decision.by != rollout.spec.request.by && may_approve(application, &decision.by))
        .map(|decision| decision.by.clone())
        .collect()
}

/// Whether a person's approval counts. The bot alone writes decisions of Slack users, and has checked them before.
pub(super) fn may_approve(application: Option<&FlinkApplication>, by: &str) -> bool {
    match by.strip_prefix("kubernetes:") {
        Some(user) => application
            .is_some_and(|application| application.spec.approvals.kubernetes_users.iter().any(|name| name == user)),
        None => by.starts_with("slack:"),
    }
}
