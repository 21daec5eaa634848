//! What an ended rollout offers instead: the same again from another start state, a button for each.

use kube::ResourceExt as _;
use serde_json::Value;

use super::{
    blocks::{Button, Style, actions},
    escape, start_state,
};
use crate::{
    api::{Choice, FlinkRollout, StartFrom, StartFromKind},
    slack::action::{Asks, OfferedChoice},
};

/// The choices as text, each with all of its cost.
pub(super) fn listed(choices: &[Choice]) -> String {
    if choices.is_empty() {
        return String::new();
    }
    let lines = choices.iter().map(|choice| {
        let from = start_state(&choice.start_from).unwrap_or_else(|| choice.start_from.from.to_string());
        format!("\n• {from}: {}", escape(&choice.cost))
    });
    format!("\nA new rollout could start from:{}", lines.collect::<String>())
}

/// The choices as buttons, in a block of their own; none without choices.
pub(super) fn buttons(rollout: &FlinkRollout, choices: &[Choice]) -> Option<Value> {
    let uid = rollout.uid().unwrap_or_default();
    let button = |(index, choice): (usize, &Choice)| {
        let from = short(&choice.start_from);
        Button {
            asks: Asks::Retry(OfferedChoice { index, uid: uid.clone() }),
            label: format!("Start from {from}"),
            confirm: format!("Ask for a new rollout that starts from {from}? {}.", choice.cost),
            style: if choice.start_from.from == StartFromKind::Nothing { Style::Danger } else { Style::Plain },
        }
    };
    let buttons: Vec<Button> = choices.iter().enumerate().map(button).collect();
    (!buttons.is_empty()).then(|| actions(rollout, buttons))
}

/// A start state, short enough for a button: of a path the end tells more than the beginning.
fn short(start_from: &StartFrom) -> String {
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
