//! The choices of an ended rollout: a new rollout from another start state, with a button for each.

use kube::ResourceExt as _;
use serde_json::Value;

use super::{
    blocks::{Button, Style, actions},
    escape, start_state,
};
use crate::{
    api::{Choice, FlinkRollout, StartFrom, StartFromKind},
    slack::action::{ClickAction, OfferedChoice},
};

/// Lists the choices with their cost.
pub(super) fn choices_text(choices: &[Choice]) -> String {
    if choices.is_empty() {
        return String::new();
    }
    let lines = choices.iter().map(|choice| {
        let from = start_state(&choice.start_from).unwrap_or_else(|| choice.start_from.from.to_string());
        format!("\n• {from}: {}", escape(&choice.cost))
    });
    format!("\nA new rollout could start from:{}", lines.collect::<String>())
}

/// The block with a button for each choice. None if there are no choices.
pub(super) fn choices_block(rollout: &FlinkRollout, choices: &[Choice]) -> Option<Value> {
    let uid = rollout.uid().unwrap_or_default();
    let button = |(index, choice): (usize, &Choice)| {
        let from = short_label(&choice.start_from);
        Button {
            action: ClickAction::Retry(OfferedChoice { index, uid: uid.clone() }),
            label: format!("Start from {from}"),
            confirm: format!("Ask for a new rollout that starts from {from}? {}.", choice.cost),
            style: if loses_state(&choice.start_from) { Style::Danger } else { Style::Plain },
        }
    };
    let buttons: Vec<Button> = choices.iter().enumerate().map(button).collect();
    (!buttons.is_empty()).then(|| actions(rollout, buttons))
}

fn loses_state(start_from: &StartFrom) -> bool {
    start_from.from == StartFromKind::Nothing || start_from.job_manager_is_down
}

/// A start state, short enough for a button. A long path keeps its end, which says more than its beginning.
fn short_label(start_from: &StartFrom) -> String {
    let value = start_from.value.as_deref().unwrap_or_default();
    match start_from.from {
        StartFromKind::RestorePoint => format!("restore point {value}"),
        StartFromKind::Path => {
            let hidden = value.chars().count().saturating_sub(40);
            let dots = if hidden > 0 { "…" } else { "" };
            format!("{dots}{}", value.chars().skip(hidden).collect::<String>())
        }
        other => other.to_string(),
    }
}
