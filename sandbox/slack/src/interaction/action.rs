//! Presses of buttons in the current messages.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::checks::{find_person_in_channel, refuse_while_away};
use super::delivery::{Delivered, new_trigger_id};
use super::refusal::Refusal;
use crate::blocks::{PressedElement, find_element};
use crate::render;
use crate::state::{Envelope, Origin, Shared};
use crate::world::{Channel, User, WithMetadata, World};

/// A press of a button, or a choice in a menu.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Click {
    /// The person, by id or handle.
    pub user: String,
    /// The channel, by id or name.
    pub channel: String,
    /// The ts of the message, or of the ephemeral that this person sees.
    pub ts: String,
    /// The element's `action_id`.
    pub action_id: String,
    /// The value of the button, if several share the `action_id`, or the chosen option of a menu.
    #[serde(default)]
    pub value: Option<String>,
}

impl Click {
    /// A press of the button with this `action_id`.
    #[must_use]
    pub fn new(user: &str, channel: &str, ts: &str, action_id: &str) -> Self {
        Self { user: user.into(), channel: channel.into(), ts: ts.into(), action_id: action_id.into(), value: None }
    }

    /// Selects the button with this value.
    #[must_use]
    pub fn with_value(self, value: &str) -> Self {
        Self { value: Some(value.into()), ..self }
    }
}

/// The result of a press.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClickOutcome {
    /// Whether the app acknowledged it. If not, people see a warning sign at the button.
    pub delivered: Delivered,
    /// The label of the button.
    pub label: String,
    /// The ts of the action. An app recognises a repeated payload by it.
    pub action_ts: String,
    /// The trigger id in the payload.
    pub trigger_id: String,
}

/// The message that holds the pressed element.
struct Source {
    blocks: Vec<Value>,
    thread_ts: Option<String>,
    /// The message as the app gets it. The payload of an ephemeral has none.
    message: Option<Value>,
    text: String,
}

/// Presses a button and delivers the payload `times` times. Slack repeats payloads that were not acknowledged in time.
pub(crate) async fn press(shared: &Shared, click: &Click, times: usize) -> Result<ClickOutcome, Refusal> {
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
        Some(delivery) => match delivery.wait_for_acknowledgement(shared.config.ack_deadline).await {
            Some(_) => Delivered::Acknowledged,
            None => Delivered::TimedOut,
        },
    }
}

fn prepare(shared: &Shared, click: &Click) -> Result<(Value, String), Refusal> {
    let mut world = shared.world();
    let (user, channel) = find_person_in_channel(&world, &click.user, &click.channel)?;
    let source = find_source(&world, &user, &channel, &click.ts)?;
    let pressed = find_element(&source.blocks, &click.action_id, click.value.as_deref()).ok_or_else(|| {
        let action = match &click.value {
            Some(value) => format!("{} = {value}", click.action_id),
            None => click.action_id.clone(),
        };
        Refusal::NoSuchElement { action, shown: render::render_content(&world, &source.text, &source.blocks) }
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
    let mut payload = build_payload(&world, &user, &channel, &source, click);
    payload["actions"] = json!([action]);
    payload["state"] = build_state(&pressed, &action);
    payload["response_url"] = json!(response_url);
    Ok((payload, pressed.label()))
}

fn find_source(world: &World, user: &User, channel: &Channel, ts: &str) -> Result<Source, Refusal> {
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

fn build_payload(world: &World, user: &User, channel: &Channel, source: &Source, click: &Click) -> Value {
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

/// Builds the `state` of the payload. Only menus have one.
fn build_state(pressed: &PressedElement, action: &Value) -> Value {
    let mut values = serde_json::Map::new();
    if let Some(option) = action.get("selected_option") {
        let id = action["action_id"].as_str().unwrap_or_default();
        let choice = json!({"type": action["type"], "selected_option": option});
        values.insert(pressed.block_id.clone(), json!({id: choice}));
    }
    json!({"values": values})
}
