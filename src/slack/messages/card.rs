//! The card: the message that shows the current state of a rollout. It is updated in place.

use kube::ResourceExt as _;
use serde_json::Value;

use super::{
    blocks::{Button, actions, context, fields, header, section},
    bytes, downtime, escape, headline, moment, person, show_people, start_state, time_between, truncate,
};
use crate::{
    api::{DecisionKind, Direction, FlinkRollout, FlinkRolloutStatus, Stage, StageOutcome, StageRecord},
    rollout::{decision_refusal, may_roll_back},
};

/// The card of a rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// The text of the notification.
    pub text: String,
    pub blocks: Vec<Value>,
}

/// Writes the card of a rollout.
#[must_use]
pub fn card(rollout: &FlinkRollout) -> Card {
    let status = rollout.status.clone().unwrap_or_default();
    let headline = headline(rollout);
    let mut blocks = vec![header(&headline), section(&lead_text(&status)), fields(&facts(rollout, &status))];
    let stages = stage_lines(&status);
    if !stages.is_empty() {
        blocks.push(section(&stages));
    }
    let buttons = decision_buttons(rollout, &status);
    if !buttons.is_empty() {
        blocks.push(actions(rollout, buttons));
    }
    blocks.push(context(&format!(
        "`{}` in namespace `{}`",
        rollout.name_any(),
        rollout.namespace().unwrap_or_default()
    )));
    Card { text: format!("{headline}: {}", status.state_in_words()), blocks }
}

fn lead_text(status: &FlinkRolloutStatus) -> String {
    let message = status.result.as_ref().map_or(status.message.as_str(), |result| result.message.as_str());
    let mut text = format!("*{}*", status.state_in_words());
    if !message.is_empty() {
        text.push_str(&format!(" · {}", show_people(&truncate(message, 1500))));
    }
    if let Some(waiting) = status.waiting.as_ref().filter(|_| status.result.is_none()) {
        text.push_str(&format!(", since {}", moment(&waiting.since)));
    }
    if let Some(duplicates) = &status.duplicates {
        text.push_str(&format!(
            "\nDuplicates possible from {} to {}",
            moment(&duplicates.from),
            moment(&duplicates.to)
        ));
    }
    text
}

fn facts(rollout: &FlinkRollout, status: &FlinkRolloutStatus) -> Vec<(&'static str, String)> {
    let request = &rollout.spec.request;
    let reason = request.reason.as_ref().map_or_else(String::new, |reason| format!("\n>{}", escape(reason)));
    let mut facts = vec![("Asked by", format!("{}{reason}", person(&request.by)))];
    if let Some(start) = start_state(&request.start_from) {
        facts.push(("Starts from", start));
    }
    if let Some(point) = &status.restore_point {
        let size = point.size_bytes.map_or_else(String::new, |size| format!(", {}", bytes(size)));
        facts.push(("Restore point", format!("`{}`{size}", escape(&point.path))));
    }
    if let Some(millis) = status.downtime_millis {
        facts.push(("Downtime", downtime(millis)));
    }
    facts
}

/// One line for the latest attempt of each stage that was entered.
fn stage_lines(status: &FlinkRolloutStatus) -> String {
    let mut lines: Vec<(Stage, Direction, String)> = Vec::new();
    for record in &status.stages {
        lines.retain(|(stage, direction, _)| (*stage, *direction) != (record.stage, record.direction));
        lines.push((record.stage, record.direction, stage_line(record)));
    }
    let lines: Vec<String> = lines.into_iter().map(|(_, _, line)| line).collect();
    lines.join("\n")
}

fn stage_line(record: &StageRecord) -> String {
    let name = match record.direction {
        Direction::Forward => record.stage.to_string(),
        Direction::Back => format!("Back: {}", record.stage),
    };
    match (record.outcome, &record.ended_at) {
        (Some(StageOutcome::Done), Some(end)) => format!("✓ {name}  {}", time_between(&record.started_at, end)),
        (Some(StageOutcome::Failed), Some(end)) => format!("✗ {name}  {}", time_between(&record.started_at, end)),
        (Some(StageOutcome::Skipped), _) => format!("– {name}"),
        _ => format!("▸ {name}"),
    }
}

/// A button for each decision that is allowed now. Approve and Reject are in the message that asks for approval.
pub(super) fn decision_buttons(rollout: &FlinkRollout, status: &FlinkRolloutStatus) -> Vec<Button> {
    let allowed = |decision| decision_refusal(status, decision, None).is_none();
    let mut buttons = Vec::new();
    let mut offer = |decision, label, confirm: &str| {
        if allowed(decision) {
            buttons.push(Button::decide(rollout, decision, label, confirm));
        }
    };
    offer(DecisionKind::Resume, "Resume", "Try the same stage again, with a new deadline?");
    if may_roll_back(status) {
        let back = if status.halt.is_some() {
            "Go back to the previous version, from the restore point?"
        } else {
            "Go back to the previous version now? What was emitted since the restore point is emitted again."
        };
        offer(DecisionKind::RollBack, "Roll back", back);
    } else {
        let stop = "Stop this rollout? Before the stop nothing is changed; after it the old version is brought back.";
        offer(DecisionKind::Abort, "Abort", stop);
    }
    let parked = status.halt.as_ref().is_some_and(|halt| halt.parked);
    let left = if parked { "The application stays at 0 replicas." } else { "Everything stays as it is now." };
    offer(DecisionKind::GiveUp, "Give up", &format!("End this rollout here? {left} Its restore point is kept."));
    buttons
}
