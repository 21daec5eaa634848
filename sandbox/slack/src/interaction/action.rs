//! Presses of buttons, from messages as they are now.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::checks::{person_in_channel, refuse_while_away};
use super::delivery::{Delivered, new_trigger_id};
use super::refusal::Refusal;
use crate::blocks::{Pressed, find_element};
use crate::render;
use crate::state::{Envelope, Origin, Shared};
use crate::world::{Channel, User, WithMetadata, World};

/// A press of a button, or a choice in a menu.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Click {
    /// Who presses, by id or handle.
    pub user: String,
    /// Where, by id or name.
    pub channel: String,
    /// The ts of the message, or of the ephemeral that this person sees.
    pub ts: String,
    /// The element's `action_id`.
    pub action_id: String,
    /// The button's value, where several share the `action_id`; the option chosen, in a menu.
    #[serde(default)]
    pub value: Option<String>,
}

impl Click {
    /// A press of the button with this `action_id`.
    #[must_use]
    pub fn new(user: &str, channel: &str, ts: &str, action_id: &str) -> Self {
        Self { user: user.into(), channel: channel.into(), ts: ts.into(), action_id: action_id.into(), value: None }
    }

    /// The same, of the button with this value.
    #[must_use]
    pub fn with_value(self, value: &str) -> Self {
        Self { value: Some(value.into()), ..self }
    }
}

/// What became of a press.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClickOutcome {
    /// How the app took it. People see a warning sign at the button unless it was acknowledged.
    pub delivered: Delivered,
    /// What was pressed, as the screen calls it.
    pub label: String,
    /// The action's ts, by which an app tells a repeat.
    pub action_ts: String,
    /// Its trigger id, as the app got it.
    pub trigger_id: String,
}

/// Where the pressed element is.
struct Source {
    blocks: Vec<Value>,
    thread_ts: Option<String>,
    /// The message as the app sees it; ephemerals come without.
    message: Option<Value>,
    text: String,
}

/// Presses it, and delivers the press `times` times over: Slack repeats what was not acknowledged in time.
pub(crate) async fn click(shared: &Shared, click: &Click, times: usize) -> Result<ClickOutcome, Refusal> {
    refuse_while_away(shared)?;
    if !shared.config.manifest.interactivity_enabled() {
        return Err(Refusal::InteractivityOff);
    }
    let (payload, label) = prepare(shared, click)?;
    let text = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (action_ts, trigger_id) = (text("/actions/0/action_ts"), text("/trigger_id"));
    let mut delivered = Delivered::NotConnected;
    for _ in 0..times {
        delivered = deliver(shared, payload.clone()).await;
    }
    Ok(ClickOutcome { delivered, label, action_ts, trigger_id })
}

async fn deliver(shared: &Shared, payload: Value) -> Delivered {
    let envelope = Envelope { kind: "interactive".to_owned(), payload, accepts_response_payload: false };
    match shared.sockets.deliver(&envelope) {
        None => Delivered::NotConnected,
        Some(delivery) => match delivery.acknowledged(shared.config.ack_deadline).await {
            Some(_) => Delivered::Acknowledged,
            None => Delivered::TimedOut,
        },
    }
}

fn prepare(shared: &Shared, click: &Click) -> Result<(Value, String), Refusal> {
    let mut world = shared.world();
    let (user, channel) = person_in_channel(&world, &click.user, &click.channel)?;
    let source = source(&world, &user, &channel, &click.ts)?;
    let pressed = find_element(&source.blocks, &click.action_id, click.value.as_deref()).ok_or_else(|| {
        let action = match &click.value {
            Some(value) => format!("{} = {value}", click.action_id),
            None => click.action_id.clone(),
        };
        Refusal::NoSuchElement { action, shown: render::content(&world, &source.text, &source.blocks) }
    })?;
    let response_url = shared.response_urls().issue(
        &shared.base_url,
        &world.team.id,
        &user.id,
        &channel.id,
        Some(Origin { ts: click.ts.clone(), is_ephemeral: source.message.is_none() }),
    );
    let action_ts = world.next_ts();
    let action = pressed.to_action(click.value.as_deref(), &action_ts);
    let mut payload = payload(&world, &user, &channel, &source, click);
    payload["actions"] = json!([action]);
    payload["state"] = state(&pressed, &action);
    payload["response_url"] = json!(response_url);
    Ok((payload, pressed.label()))
}

fn source(world: &World, user: &User, channel: &Channel, ts: &str) -> Result<Source, Refusal> {
    if let Some(message) = world.message(&channel.id, ts) {
        return Ok(Source {
            blocks: message.blocks.clone(),
            thread_ts: message.thread_ts.clone(),
            message: Some(world.api_message(message, WithMetadata::Yes)),
            text: message.text.clone(),
        });
    }
    let ephemeral = world.ephemeral(&user.id, ts).filter(|ephemeral| ephemeral.channel == channel.id);
    let ephemeral =
        ephemeral.ok_or_else(|| Refusal::NoSuchMessage { channel: channel.name.clone(), ts: ts.to_owned() })?;
    Ok(Source {
        blocks: ephemeral.blocks.clone(),
        thread_ts: ephemeral.thread_ts.clone(),
        message: None,
        text: ephemeral.text.clone(),
    })
}

fn payload(world: &World, user: &User, channel: &Channel, source: &Source, click: &Click) -> Value {
    let mut container = json!({
        "type": "message",
        "message_ts": click.ts,
        "channel_id": channel.id,
        "is_ephemeral": source.message.is_none(),
    });
    if let Some(root) = &source.thread_ts {
        container["thread_ts"] = json!(root);
    }
    let mut payload = json!({
        "type": "block_actions",
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": world.team.id},
        "api_app_id": world.app.app_id,
        "token": "deprecated",
        "container": container,
        "trigger_id": new_trigger_id(world),
        "team": {"id": world.team.id, "domain": world.team.domain},
        "enterprise": null,
        "is_enterprise_install": false,
        "channel": {"id": channel.id, "name": channel.name},
    });
    if let Some(message) = &source.message {
        payload["message"] = message.clone();
    }
    payload
}

/// Buttons keep no state; menus do.
fn state(pressed: &Pressed, action: &Value) -> Value {
    let mut values = serde_json::Map::new();
    if let Some(option) = action.get("selected_option") {
        let id = action["action_id"].as_str().unwrap_or_default();
        let kept = json!({"type": action["type"], "selected_option": option});
        values.insert(pressed.block_id.clone(), json!({id: kept}));
    }
    json!({"values": values})
}
