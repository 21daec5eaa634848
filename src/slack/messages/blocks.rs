//! Block Kit blocks as JSON, within Slack's limits.

use kube::ResourceExt as _;
use serde_json::{Value, json};

use super::truncate;
use crate::{
    api::{DecisionKind, FlinkRollout},
    slack::action::{Click, ClickAction},
};

pub(super) fn header(text: &str) -> Value {
    json!({ "type": "header", "text": { "type": "plain_text", "text": truncate(text, 150), "emoji": false } })
}

pub(super) fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": truncate(text, 2900) } })
}

pub(super) fn fields(fields: &[(&str, String)]) -> Value {
    let fields: Vec<Value> = fields
        .iter()
        .map(|(name, text)| json!({ "type": "mrkdwn", "text": truncate(&format!("*{name}*\n{text}"), 1900) }))
        .collect();
    json!({ "type": "section", "fields": fields })
}

pub(super) fn context(text: &str) -> Value {
    json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": truncate(text, 1900) }] })
}

#[derive(Clone, Copy)]
pub(super) enum Style {
    Plain,
    Primary,
    Danger,
}

/// A button about one rollout. Slack asks for confirmation and says what the button does.
pub(super) struct Button {
    pub action: ClickAction,
    pub label: String,
    pub confirm: String,
    pub style: Style,
}

impl Button {
    /// A button for a decision about the rollout with the plan that is shown.
    pub(super) fn decide(rollout: &FlinkRollout, decision: DecisionKind, label: &str, confirm: &str) -> Self {
        let plan = rollout.status.as_ref().and_then(|status| status.plan.as_ref());
        let digest = plan.map_or_else(String::new, |plan| plan.digest.clone());
        let style = match decision {
            DecisionKind::Approve | DecisionKind::Resume => Style::Primary,
            DecisionKind::RollBack | DecisionKind::GiveUp => Style::Danger,
            DecisionKind::Reject | DecisionKind::Abort => Style::Plain,
        };
        let action = ClickAction::Decide { decision, digest };
        Self { action, label: label.to_owned(), confirm: confirm.to_owned(), style }
    }

    fn element(self, rollout: &FlinkRollout) -> Value {
        let plain = |text: &str, max: usize| json!({ "type": "plain_text", "text": truncate(text, max) });
        let action_id = self.action.action_id();
        let (namespace, rollout) = (rollout.namespace().unwrap_or_default(), rollout.name_any());
        let mut element = json!({
            "type": "button", "action_id": action_id, "value": Click { namespace, rollout, action: self.action }.value(),
            "text": plain(&self.label, 75),
            "confirm": {
                "title": plain(&self.label, 90), "text": plain(&self.confirm, 290),
                "confirm": plain("Yes", 30), "deny": plain("No", 30),
            },
        });
        match self.style {
            Style::Plain => {}
            Style::Primary => element["style"] = json!("primary"),
            Style::Danger => element["style"] = json!("danger"),
        }
        element
    }
}

pub(super) fn actions(rollout: &FlinkRollout, buttons: Vec<Button>) -> Value {
    let elements: Vec<Value> = buttons.into_iter().map(|button| button.element(rollout)).collect();
    json!({ "type": "actions", "elements": elements })
}
