//! The request for approval. It shows its own state in place, because the channel shows it long after the thread went on.

use kube::ResourceExt as _;

use super::{
    blocks::{Button, actions, context, section},
    escape, group_mentions, headline,
    line::Line,
    moment, person, show_people, start_state, truncate,
};
use crate::{
    api::{
        Decision, DecisionKind, DecisionResult, FlinkApplication, FlinkRollout, FlinkRolloutStatus, Plan, Stage,
        StageOutcome,
    },
    rollout::approvers,
};

/// The request, if the plan needs approvals.
pub(super) fn approval_line(
    rollout: &FlinkRollout,
    application: Option<&FlinkApplication>,
    status: &FlinkRolloutStatus,
) -> Option<Line> {
    let plan = status.plan.as_ref().filter(|plan| plan.approvals_needed > 0)?;
    let waits = status.stage == Stage::Approve && status.result.is_none();
    let text = if waits { open_text(rollout, application) } else { closed_text(rollout, status) };
    let changes: String = plan.changes.iter().take(25).map(|change| format!("\n{}", escape(change))).collect();
    let mut blocks = vec![section(&text)];
    if !changes.is_empty() {
        blocks.push(section(&format!("```{}```", truncate(changes.trim_start(), 2500))));
    }
    if waits {
        let go = format!("Deploy {} now? The job stops for a short time.", plan.to_version);
        let button = |decision, label, confirm: &str| Button::decide(rollout, decision, label, confirm);
        blocks.push(actions(
            rollout,
            vec![
                button(DecisionKind::Approve, "Approve", &go),
                button(DecisionKind::Reject, "Reject", "Reject this plan? Nothing is changed."),
            ],
        ));
        blocks.push(context(&describe_need(rollout, application, plan)));
    }
    Some(Line { key: "approval".to_owned(), text, blocks, broadcast: true, changes: true })
}

fn open_text(rollout: &FlinkRollout, application: Option<&FlinkApplication>) -> String {
    let mentions = application.map(group_mentions).unwrap_or_default();
    let request = &rollout.spec.request;
    let start = start_state(&request.start_from);
    let start = start.map_or_else(String::new, |start| format!(", starting from {start}"));
    let reason = request.reason.as_ref().map_or_else(String::new, |reason| format!("\n>{}", escape(reason)));
    format!(
        "{mentions}approval needed: *{}*, asked by {}{start}{reason}",
        escape(&headline(rollout)),
        person(&request.by)
    )
}

/// What became of the request. It mentions no group, because nobody has anything to do any more.
fn closed_text(rollout: &FlinkRollout, status: &FlinkRolloutStatus) -> String {
    let headline = escape(&headline(rollout));
    let record = status.stages.iter().rev().find(|record| record.stage == Stage::Approve);
    let evidence = record.map(|record| show_people(&record.evidence)).unwrap_or_default();
    let at =
        record.and_then(|record| record.ended_at.as_ref()).map_or_else(String::new, |at| format!(", {}", moment(at)));
    if record.is_some_and(|record| record.outcome == Some(StageOutcome::Done)) {
        return format!("✓ *{headline}* {evidence}{at}");
    }
    let reason =
        |said: &Decision| said.reason.as_ref().map_or_else(String::new, |reason| format!(": {}", escape(reason)));
    if let Some(said) = applied(rollout, status, DecisionKind::Reject) {
        return format!("✗ *{headline}* rejected by {}{}{at}", person(&said.by), reason(said));
    }
    if let Some(said) = applied(rollout, status, DecisionKind::Abort) {
        return format!("– *{headline}* withdrawn by {}{}{at}", person(&said.by), reason(said));
    }
    format!("– *{headline}* was not approved: {evidence}{at}")
}

fn applied<'a>(rollout: &'a FlinkRollout, status: &FlinkRolloutStatus, kind: DecisionKind) -> Option<&'a Decision> {
    let is_applied = |said: &&Decision| {
        said.kind == kind
            && status.decisions.iter().any(|record| record.id == said.id && record.result == DecisionResult::Applied)
    };
    rollout.spec.decisions.iter().find(is_applied)
}

fn describe_need(rollout: &FlinkRollout, application: Option<&FlinkApplication>, plan: &Plan) -> String {
    let given: Vec<String> = approvers(application, rollout, &plan.digest).iter().map(person).collect();
    let needed = plan.approvals_needed;
    let need = if given.is_empty() {
        format!("needs {needed} other than the requester")
    } else {
        format!("{} of {needed}: {}", given.len(), given.join(", "))
    };
    format!("Expires {} · {need} · `/flink approve {}`", moment(&plan.expires_at), rollout.name_any())
}
