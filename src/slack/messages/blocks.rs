//! Block Kit blocks as JSON, within Slack's limits.

use serde_json::{Value, json};

use super::cut;
use crate::slack::{action::Click, command::Verb};

pub(super) fn header(text: &str) -> Value {
    json!({ "type": "header", "text": { "type": "plain_text", "text": cut(text, 150), "emoji": false } })
}

pub(super) fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": cut(text, 2900) } })
}

pub(super) fn fields(fields: &[(&str, String)]) -> Value {
    let fields: Vec<Value> = fields
        .iter()
        .map(|(name, text)| json!({ "type": "mrkdwn", "text": cut(&format!("*{name}*\n{text}"), 1900) }))
        .collect();
    json!({ "type": "section", "fields": fields })
}

pub(super) fn context(text: &str) -> Value {
    json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": cut(text, 1900) }] })
}

/// A button for a decision about one rollout, with what it will do as its confirmation.
pub(super) struct Button<'a> {
    pub verb: Verb,
    pub label: &'a str,
    pub confirm: String,
}

pub(super) fn actions(value: &str, buttons: &[Button<'_>]) -> Value {
    let elements: Vec<Value> = buttons
        .iter()
        .map(|button| {
            let mut element = json!({
                "type": "button", "action_id": Click::action_id(button.verb), "value": value,
                "text": { "type": "plain_text", "text": button.label },
                "confirm": {
                    "title": { "type": "plain_text", "text": cut(button.label, 90) },
                    "text": { "type": "plain_text", "text": cut(&button.confirm, 290) },
                    "confirm": { "type": "plain_text", "text": "Yes" },
                    "deny": { "type": "plain_text", "text": "No" },
                },
            });
            let style = match button.verb {
                Verb::Approve | Verb::Resume => Some("primary"),
                Verb::RollBack | Verb::GiveUp => Some("danger"),
                Verb::Reject | Verb::Abort => None,
            };
            if let Some(style) = style {
                element["style"] = json!(style);
            }
            element
        })
        .collect();
    json!({ "type": "actions", "elements": elements })
}
