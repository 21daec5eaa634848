//! Slash commands: sends a typed command to the app and shows its answer.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::checks::{find_person_in_channel, refuse_while_away};
use super::delivery::{Delivered, new_trigger_id};
use super::escape::escape;
use super::refusal::Refusal;
use crate::config::SlashCommand;
use crate::state::{Acknowledgement, Envelope, Shared};
use crate::web_api::{Arguments, check_content};
use crate::world::{Channel, Ephemeral, Message, NewMessage, User};

/// The result of a slash command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommandOutcome {
    /// Whether the app acknowledged it.
    pub delivered: Delivered,
    /// The message that only this person sees: the app's answer in the acknowledgement, or Slack's error.
    pub ephemeral: Option<Ephemeral>,
    /// The app's answer, if it is public (`response_type: in_channel`).
    pub message: Option<Message>,
    /// The trigger id in the payload.
    pub trigger_id: String,
}

impl CommandOutcome {
    /// The text of the ephemeral. Empty if there is none.
    #[must_use]
    pub fn text(&self) -> &str {
        self.ephemeral.as_ref().map_or("", |ephemeral| &ephemeral.text)
    }
}

/// A typed command and its author.
struct TypedCommand {
    user: User,
    channel: Channel,
    command: SlashCommand,
    line: String,
}

pub(crate) async fn run_command(
    shared: &Shared,
    user: &str,
    channel: &str,
    line: &str,
    thread_ts: Option<&str>,
) -> Result<CommandOutcome, Refusal> {
    refuse_while_away(shared)?;
    let (typed, payload) = prepare(shared, user, channel, line, thread_ts)?;
    let trigger_id = payload["trigger_id"].as_str().unwrap_or_default().to_owned();
    let envelope = Envelope { kind: "slash_commands".to_owned(), payload, accepts_response_payload: true };
    let Some(delivery) = shared.sockets.deliver(&envelope) else {
        let ephemeral = Some(show_slack_error(shared, &typed, "dispatch_failed"));
        return Ok(CommandOutcome { delivered: Delivered::NotConnected, ephemeral, message: None, trigger_id });
    };
    let Some(answer) = delivery.wait_for_acknowledgement(shared.config.ack_deadline).await else {
        let ephemeral = Some(show_slack_error(shared, &typed, "operation_timeout"));
        return Ok(CommandOutcome { delivered: Delivered::TimedOut, ephemeral, message: None, trigger_id });
    };
    let (ephemeral, message) = show_answer(shared, &typed, answer);
    Ok(CommandOutcome { delivered: Delivered::Acknowledged, ephemeral, message, trigger_id })
}

fn prepare(
    shared: &Shared,
    user: &str,
    channel: &str,
    line: &str,
    thread_ts: Option<&str>,
) -> Result<(TypedCommand, Value), Refusal> {
    let world = shared.world();
    let (user, channel) = find_person_in_channel(&world, user, channel)?;
    let (name, text) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
    let known = shared.config.manifest.commands();
    let command = known.iter().find(|known| known.command == name).ok_or_else(|| Refusal::UnknownCommand {
        command: name.to_owned(),
        known: known.iter().map(|known| format!("`{}`", known.command)).collect::<Vec<_>>().join(", "),
    })?;
    if thread_ts.is_some() {
        return Err(Refusal::NotInThreads { command: name.to_owned() });
    }
    let text = if command.should_escape { escape(&world, text.trim()) } else { text.trim().to_owned() };
    let payload = json!({
        "token": "deprecated",
        "team_id": world.team.id,
        "team_domain": world.team.domain,
        "channel_id": channel.id,
        "channel_name": channel.name,
        "user_id": user.id,
        "user_name": user.name,
        "command": command.command,
        "text": text,
        "api_app_id": world.app.app_id,
        "is_enterprise_install": "false",
        "response_url": shared.response_urls().issue(&shared.base_url, &world.team.id, &user.id, &channel.id, None),
        "trigger_id": new_trigger_id(&world),
    });
    Ok((TypedCommand { user, channel, command: command.clone(), line: line.trim().to_owned() }, payload))
}

/// Shows the payload of the acknowledgement.
fn show_answer(shared: &Shared, typed: &TypedCommand, answer: Acknowledgement) -> (Option<Ephemeral>, Option<Message>) {
    let Some(payload) = answer else { return (None, None) };
    let in_channel = payload.get("response_type").is_some_and(|kind| kind == "in_channel");
    let content = match check_content(&Arguments::from_object(payload)) {
        Ok(content) => content,
        Err(error) => {
            tracing::warn!(code = error.code, problems = ?error.messages, "the answer to a command cannot be shown");
            return (Some(show_slack_error(shared, typed, &error.code)), None);
        }
    };
    if !content.is_visible() {
        return (None, None);
    }
    let (text, blocks) = (content.text.unwrap_or_default(), content.blocks.unwrap_or_default());
    if in_channel {
        let message = shared.change(|world| {
            world.post(NewMessage {
                channel: typed.channel.id.clone(),
                user: world.app.bot_user.clone(),
                bot_id: Some(world.app.bot_id.clone()),
                text,
                blocks,
                ..NewMessage::default()
            })
        });
        return (None, Some(message));
    }
    let ephemeral = Ephemeral { text, blocks, ..new_ephemeral(typed) };
    (Some(shared.change(|world| world.show_ephemeral(ephemeral))), None)
}

/// Shows Slack's own error when the app did not answer.
fn show_slack_error(shared: &Shared, typed: &TypedCommand, code: &str) -> Ephemeral {
    let text = format!("{} failed with the error \"{code}\"", typed.command.command);
    let ephemeral = Ephemeral { text, from_slack: true, ..new_ephemeral(typed) };
    shared.change(|world| world.show_ephemeral(ephemeral))
}

fn new_ephemeral(typed: &TypedCommand) -> Ephemeral {
    Ephemeral {
        ts: String::new(),
        channel: typed.channel.id.clone(),
        user: typed.user.id.clone(),
        thread_ts: None,
        from_slack: false,
        text: String::new(),
        blocks: Vec::new(),
        in_reply_to: Some(typed.line.clone()),
    }
}
