//! What people said to a rollout and what became of it, where no other line of the thread tells it.

use super::{escape, person, truncate, with_people};
use crate::{
    api::{
        Decision, DecisionKind, DecisionRecord, DecisionResult, FlinkRollout, FlinkRolloutStatus, Person, Plan, Time,
    },
    digest::short_digest_of,
};

/// One thing that was said.
pub(super) struct Told {
    /// The key of its line.
    pub key: String,
    /// Who said what, and what became of it.
    pub text: String,
    /// When that was recorded.
    pub at: Time,
}

/// All of it, in the order in which it was recorded.
pub(super) fn untold(rollout: &FlinkRollout, status: &FlinkRolloutStatus) -> Vec<Told> {
    let mut approvals = Vec::new();
    let mut all = Vec::new();
    for outcome in &status.decisions {
        let Some(said) = rollout.spec.decisions.iter().find(|said| said.id == outcome.id) else { continue };
        let overtaken = status.result.as_ref().is_some_and(|result| result.at <= outcome.at);
        let text = match (outcome.result, said.kind) {
            (DecisionResult::Refused, _) => Some(format!("✗ {} · refused: {}", who_said_what(said), became(outcome))),
            (DecisionResult::Applied, DecisionKind::Approve) if !overtaken => approved(status, said, &mut approvals),
            (DecisionResult::Applied, DecisionKind::Resume) if !overtaken => {
                Some(format!("▸ resumed by {}{}", person(&said.by), reason(said)))
            }
            (DecisionResult::Applied, _) if is_named(status, &said.by) => None,
            (DecisionResult::Applied, _) => Some(format!("▸ {} · {}", who_said_what(said), became(outcome))),
        };
        // An id from kubectl may be anything, a key may not.
        let key = short_digest_of(&said.id, 16);
        all.extend(text.map(|text| Told { key: format!("decision-{key}"), text, at: outcome.at.clone() }));
    }
    all
}

/// An approval that is not the last of those that are needed: the line of the stage names all of them at once, at its end.
fn approved<'a>(status: &FlinkRolloutStatus, said: &'a Decision, approvals: &mut Vec<&'a Person>) -> Option<String> {
    let Plan { approvals_needed, digest, .. } = status.plan.as_ref()?;
    if said.plan_digest.as_ref() == Some(digest) && !approvals.contains(&&said.by) {
        approvals.push(&said.by);
    }
    let (given, needed) = (approvals.len(), *approvals_needed as usize);
    (given < needed).then(|| format!("✓ approved by {}, {given} of {needed}", person(&said.by)))
}

/// Whether the line about the failure or the end says who it was.
fn is_named(status: &FlinkRolloutStatus, person: &Person) -> bool {
    let by = person.to_string();
    let failure = status.failure.as_ref().map(|failure| failure.message.as_str());
    let result = status.result.as_ref().map(|result| result.message.as_str());
    [failure, result].into_iter().flatten().any(|text| names(text, &by))
}

fn names(text: &str, by: &str) -> bool {
    text.match_indices(by).any(|(at, _)| {
        let rest = &text[at + by.len()..];
        rest.is_empty() || rest.starts_with([' ', ',', ';']) || rest.starts_with(": ")
    })
}

fn who_said_what(said: &Decision) -> String {
    format!("{} said *{}*{}", person(&said.by), said.kind.word(), reason(said))
}

fn reason(said: &Decision) -> String {
    said.reason.as_ref().map_or_else(String::new, |reason| format!(": {}", escape(reason)))
}

fn became(outcome: &DecisionRecord) -> String {
    with_people(&truncate(&outcome.message, 500))
}
