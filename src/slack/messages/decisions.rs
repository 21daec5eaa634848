//! The lines about decisions: who said what, and the result. A decision that another line of the thread names gets none.

use super::{escape, person, show_people, truncate};
use crate::{
    api::{
        Decision, DecisionKind, DecisionRecord, DecisionResult, FlinkRollout, FlinkRolloutStatus, Person, Plan, Time,
    },
    digest::short_digest_of,
};

/// The line about one decision.
pub(super) struct DecisionLine {
    pub key: String,
    pub text: String,
    /// When the result was recorded.
    pub at: Time,
}

/// The lines about decisions, in the order in which their results were recorded.
pub(super) fn decision_lines(rollout: &FlinkRollout, status: &FlinkRolloutStatus) -> Vec<DecisionLine> {
    let mut approvals = Vec::new();
    let mut lines = Vec::new();
    for record in &status.decisions {
        let Some(said) = rollout.spec.decisions.iter().find(|said| said.id == record.id) else { continue };
        let overtaken = status.result.as_ref().is_some_and(|result| result.at <= record.at);
        let text = match (record.result, said.kind) {
            (DecisionResult::Refused, _) => {
                Some(format!("✗ {} · refused: {}", statement_text(said), result_text(record)))
            }
            (DecisionResult::Applied, DecisionKind::Approve) if !overtaken => {
                approval_text(status, said, &mut approvals)
            }
            (DecisionResult::Applied, DecisionKind::Resume) if !overtaken => {
                Some(format!("▸ resumed by {}{}", person(&said.by), reason(said)))
            }
            (DecisionResult::Applied, _) if is_named(status, &said.by) => None,
            (DecisionResult::Applied, _) => Some(format!("▸ {} · {}", statement_text(said), result_text(record))),
        };
        // An id that kubectl wrote can have any characters, a key cannot.
        let key = short_digest_of(&said.id, 16);
        lines.extend(text.map(|text| DecisionLine { key: format!("decision-{key}"), text, at: record.at.clone() }));
    }
    lines
}

/// The text of an approval after which more are needed. The line of the stage names all approvers once it has ended.
fn approval_text<'a>(
    status: &FlinkRolloutStatus,
    said: &'a Decision,
    approvals: &mut Vec<&'a Person>,
) -> Option<String> {
    let Plan { approvals_needed, digest, .. } = status.plan.as_ref()?;
    if said.plan_digest.as_ref() == Some(digest) && !approvals.contains(&&said.by) {
        approvals.push(&said.by);
    }
    let (given, needed) = (approvals.len(), *approvals_needed as usize);
    (given < needed).then(|| format!("✓ approved by {}, {given} of {needed}", person(&said.by)))
}

/// Whether the line about the failure or the end names this person.
fn is_named(status: &FlinkRolloutStatus, person: &Person) -> bool {
    let by = person.to_string();
    let failure = status.failure.as_ref().map(|failure| failure.message.as_str());
    let result = status.result.as_ref().map(|result| result.message.as_str());
    [failure, result].into_iter().flatten().any(|text| contains_name(text, &by))
}

fn contains_name(text: &str, by: &str) -> bool {
    text.match_indices(by).any(|(at, _)| {
        let rest = &text[at + by.len()..];
        rest.is_empty() || rest.starts_with([' ', ',', ';']) || rest.starts_with(": ")
    })
}

fn statement_text(said: &Decision) -> String {
    format!("{} said *{}*{}", person(&said.by), said.kind.word(), reason(said))
}

fn reason(said: &Decision) -> String {
    said.reason.as_ref().map_or_else(String::new, |reason| format!(": {}", escape(reason)))
}

fn result_text(record: &DecisionRecord) -> String {
    show_people(&truncate(&record.message, 500))
}
