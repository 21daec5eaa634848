//! `chat.*`: posts, updates and deletes messages, posts ephemerals, returns permalinks.

use serde_json::{Value, json};

use super::arguments::Arguments;
use super::content::check_content;
use super::error::{ApiError, ApiResult};
use crate::state::Shared;
use crate::world::{Channel, Ephemeral, Message, MetadataChange, NewMessage, Revision, WithMetadata, World};

/// The maximum text of `chat.update`. `chat.postMessage` accepts more.
const MAX_UPDATED_TEXT: usize = 4000;

pub(crate) fn post_message(shared: &Shared, arguments: &Arguments) -> ApiResult {
    let content = check_content(arguments)?;
    let broadcast = arguments.flag("reply_broadcast");
    let thread_ts = arguments.text("thread_ts").map(str::to_owned);
    shared.change(|world| {
        let channel = find_writable_channel(world, arguments)?.id.clone();
        if !content.is_visible() {
            return Err(ApiError::new("no_text"));
        }
        let thread_ts = thread_ts.map(|root| find_root(world, &channel, &root)).transpose()?;
        let message = world.post(NewMessage {
            user: world.app.bot_user.clone(),
            bot_id: Some(world.app.bot_id.clone()),
            text: content.text.unwrap_or_default(),
            blocks: content.blocks.unwrap_or_default(),
            metadata: content.metadata.apply_to(None),
            broadcast: broadcast && thread_ts.is_some(),
            thread_ts,
            channel,
        });
        Ok(message_answer(world, &message))
    })
}

pub(crate) fn update(shared: &Shared, arguments: &Arguments) -> ApiResult {
    let content = check_content(arguments)?;
    let ts = arguments.required("ts")?;
    if content.text.as_ref().is_some_and(|text| text.chars().count() > MAX_UPDATED_TEXT) {
        return Err(ApiError::new("msg_too_long"));
    }
    shared.change(|world| {
        let channel = find_writable_channel(world, arguments)?.id.clone();
        check_own_message(world, &channel, ts, "cant_update_message")?;
        let removes_all = content.blocks.as_ref().is_some_and(Vec::is_empty) && !content.is_visible();
        if removes_all
            || (content.text.is_none() && content.blocks.is_none() && content.metadata == MetadataChange::Keep)
        {
            return Err(ApiError::new("no_text"));
        }
        // Text without blocks removes the old blocks. Blocks without text remove the old text.
        let blocks = match (&content.text, content.blocks) {
            (Some(_), None) => Some(Vec::new()),
            (_, blocks) => blocks,
        };
        let text = content.text.or_else(|| blocks.as_ref().map(|_| String::new()));
        let revision = Revision { text, blocks, metadata: content.metadata };
        let message = world.revise(&channel, ts, revision).ok_or_else(|| ApiError::new("message_not_found"))?;
        let mut body = message_answer(world, &message);
        body["text"] = json!(message.text);
        Ok(body)
    })
}

pub(crate) fn delete(shared: &Shared, arguments: &Arguments) -> ApiResult {
    let ts = arguments.required("ts")?;
    shared.change(|world| {
        let channel = find_writable_channel(world, arguments)?.id.clone();
        check_own_message(world, &channel, ts, "cant_delete_message")?;
        world.delete(&channel, ts);
        Ok(json!({"channel": channel, "ts": ts}))
    })
}

pub(crate) fn post_ephemeral(shared: &Shared, arguments: &Arguments) -> ApiResult {
    let content = check_content(arguments)?;
    let user = arguments.required("user")?.to_owned();
    let thread_ts = arguments.text("thread_ts").map(str::to_owned);
    shared.change(|world| {
        let channel = find_writable_channel(world, arguments)?.clone();
        if !channel.members.contains(&user) {
            return Err(ApiError::new("user_not_in_channel"));
        }
        if !content.is_visible() {
            return Err(ApiError::new("no_text"));
        }
        let thread_ts = thread_ts.map(|root| find_root(world, &channel.id, &root)).transpose()?;
        let shown = world.show_ephemeral(Ephemeral {
            ts: String::new(),
            channel: channel.id,
            user,
            thread_ts,
            from_slack: false,
            text: content.text.unwrap_or_default(),
            blocks: content.blocks.unwrap_or_default(),
            in_reply_to: None,
        });
        Ok(json!({"message_ts": shown.ts}))
    })
}

pub(crate) fn get_permalink(shared: &Shared, arguments: &Arguments) -> ApiResult {
    let (channel, ts) = (arguments.required("channel")?, arguments.required("message_ts")?);
    let world = shared.world();
    find_visible_channel(&world, channel)?;
    let message = world.message(channel, ts).ok_or_else(|| ApiError::new("message_not_found"))?;
    Ok(json!({"channel": channel, "permalink": permalink(&shared.base_url, message)}))
}

/// Builds a permalink of Slack's form with the simulator's own address, so that it works on the page.
fn permalink(base_url: &str, message: &Message) -> String {
    let link = format!("{base_url}/archives/{}/p{}", message.channel, message.ts.replace('.', ""));
    match message.thread_ts.as_ref().filter(|_| message.is_reply()) {
        Some(root) => format!("{link}?thread_ts={root}&cid={}", message.channel),
        None => link,
    }
}

fn message_answer(world: &World, message: &Message) -> Value {
    json!({
        "channel": message.channel,
        "ts": message.ts,
        "message": world.api_message(message, WithMetadata::Yes),
    })
}

/// Finds the channel of a writing call: the bot must be a member, and the channel must not be archived.
fn find_writable_channel<'a>(world: &'a World, arguments: &Arguments) -> Result<&'a Channel, ApiError> {
    let id = arguments.required("channel").map_err(|_| ApiError::new("channel_not_found"))?;
    let channel = find_visible_channel(world, id)?;
    if !channel.bot_is_member {
        return Err(ApiError::new("not_in_channel"));
    }
    if channel.is_archived {
        return Err(ApiError::new("is_archived"));
    }
    Ok(channel)
}

/// Finds a channel that the bot can see. A private channel is visible only to its members.
pub(crate) fn find_visible_channel<'a>(world: &'a World, id: &str) -> Result<&'a Channel, ApiError> {
    world
        .channel_by_id(id)
        .filter(|channel| channel.bot_is_member || !channel.is_private)
        .ok_or_else(|| ApiError::new("channel_not_found"))
}

/// Finds the root for a reply. A reply to a reply goes to the same root, as at Slack.
fn find_root(world: &World, channel: &str, ts: &str) -> Result<String, ApiError> {
    let parent = world.message(channel, ts).ok_or_else(|| ApiError::new("thread_not_found"))?;
    Ok(parent.thread_ts.clone().unwrap_or_else(|| parent.ts.clone()))
}

fn check_own_message(world: &World, channel: &str, ts: &str, refusal: &str) -> Result<(), ApiError> {
    let message = world.message(channel, ts).ok_or_else(|| ApiError::new("message_not_found"))?;
    if message.bot_id.as_ref() == Some(&world.app.bot_id) { Ok(()) } else { Err(ApiError::new(refusal)) }
}
