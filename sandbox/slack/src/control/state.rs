//! The data of the page in one answer: one person's view of a channel and a thread, and the unread messages elsewhere.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::message_view::describe_messages;
use crate::state::Shared;
use crate::view::View;
use crate::world::{Channel, Message, World};

/// The maximum number of messages of a channel that the page shows or counts as unread.
const MAX_MESSAGES: usize = 200;

/// Returns the people, the channels, the groups and the app.
pub(super) async fn world(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let commands: Vec<Value> = shared
        .config
        .manifest
        .commands()
        .iter()
        .map(|command| json!({"command": command.command, "usageHint": command.usage_hint}))
        .collect();
    let world = shared.world();
    Json(json!({
        "team": world.team,
        "app": {
            "name": world.app.app_name, "botUser": world.app.bot_user, "botName": world.app.bot_name, "commands": commands,
        },
        "users": world.users,
        "channels": world.channels,
        "userGroups": world.groups,
    }))
}

#[derive(Deserialize)]
pub(super) struct PageSelection {
    user: String,
    channel: String,
    #[serde(default)]
    thread: Option<String>,
}

pub(super) async fn state(State(shared): State<Arc<Shared>>, Query(selection): Query<PageSelection>) -> Json<Value> {
    let view = View::new(&shared);
    let mut messages = view.channel(&selection.channel);
    messages.drain(..messages.len().saturating_sub(MAX_MESSAGES));
    let channel = view.channels().into_iter().find(|channel| channel.id == selection.channel);
    let thread = selection.thread.as_deref().map(|root| view.thread(&selection.channel, root));
    let here = channel.as_ref().map(|channel| channel.id.clone()).unwrap_or_default();
    let ephemerals: Vec<_> =
        view.ephemerals(&selection.user).into_iter().filter(|ephemeral| ephemeral.channel == here).collect();
    Json(json!({
        "sockets": shared.sockets.count(),
        "outage": shared.current_outage(),
        "channels": list_unread(&shared, &selection.user),
        "messages": describe_messages(&shared, messages),
        "thread": thread.map(|thread| describe_messages(&shared, thread)),
        "ephemerals": ephemerals,
    }))
}

/// Lists the recent messages of others in each channel, and whether they mention this person.
fn list_unread(shared: &Shared, user: &str) -> Vec<Value> {
    let world = shared.world();
    let of_channel = |channel: &Channel| {
        let recent: Vec<Value> = world
            .channel_messages(&channel.id)
            .rev()
            .take(MAX_MESSAGES)
            .filter(|message| message.user != user)
            .map(|message| json!({"ts": message.ts, "callsYou": mentions(&world, message, user)}))
            .collect();
        json!({"id": channel.id, "recent": recent})
    };
    world.channels.iter().map(of_channel).collect()
}

/// Whether a message mentions the person, a group of theirs, or everyone.
fn mentions(world: &World, message: &Message, user: &str) -> bool {
    let content = format!("{} {}", message.text, Value::from(message.blocks.clone()));
    let groups = world.groups.iter().filter(|group| group.users.iter().any(|member| member == user));
    let mut names = groups.map(|group| format!("<!subteam^{}", group.id)).chain([format!("<@{user}")]);
    names.any(|name| content.contains(&name))
        || ["<!here", "<!channel", "<!everyone"].iter().any(|all| content.contains(all))
}
