//! `conversations.*`: channels, their members, their messages and threads.

use serde_json::{Value, json};

use super::arguments::Arguments;
use super::chat::visible;
use super::error::{ApiError, ApiResult};
use super::pages::page;
use super::scopes::has_scope;
use crate::state::Shared;
use crate::world::{Channel, Message, WithMetadata, World};

pub(crate) fn info(shared: &Shared, arguments: &Arguments) -> ApiResult {
    let world = shared.world();
    let channel = visible(&world, arguments.required("channel")?)?;
    check_scope(shared, channel, "read")?;
    let mut shown = channel_object(channel);
    if arguments.flag("include_num_members") {
        shown["num_members"] = json!(members_of(&world, channel).len());
    }
    Ok(json!({"channel": shown}))
}

pub(crate) fn list(shared: &Shared, arguments: &Arguments) -> ApiResult {
    let world = shared.world();
    let types = arguments.text("types").unwrap_or("public_channel").to_owned();
    let wanted = |channel: &&Channel| {
        let kind = if channel.is_private { "private_channel" } else { "public_channel" };
        types.split(',').any(|asked| asked.trim() == kind)
            && (!channel.is_private || channel.bot_is_member)
            && !(channel.is_archived && arguments.flag("exclude_archived"))
    };
    let all: Vec<&Channel> = world.channels.iter().filter(wanted).collect();
    for channel in &all {
        check_scope(shared, channel, "read")?;
    }
    let page = page(all.into_iter().map(channel_object).collect(), arguments, 100, 1000)?;
    Ok(json!({"response_metadata": page.metadata(), "channels": page.items}))
}

pub(crate) fn members(shared: &Shared, arguments: &Arguments) -> ApiResult {
    let world = shared.world();
    let channel = visible(&world, arguments.required("channel")?)?;
    check_scope(shared, channel, "read")?;
    let page = page(members_of(&world, channel), arguments, 100, 1000)?;
    Ok(json!({"response_metadata": page.metadata(), "members": page.items}))
}

pub(crate) fn history(shared: &Shared, arguments: &Arguments) -> ApiResult {
    let world = shared.world();
    let channel = readable(shared, &world, arguments)?;
    let range = Range::read(arguments);
    // Newest first, unlike threads.
    let all: Vec<&Message> =
        world.channel_messages(&channel.id).rev().filter(|message| range.holds(&message.ts)).collect();
    let page = page(all, arguments, 100, 999)?;
    Ok(json!({
        "messages": shown(&world, &page.items, arguments),
        "has_more": page.has_more(),
        "pin_count": 0,
        "response_metadata": page.metadata(),
    }))
}

pub(crate) fn replies(shared: &Shared, arguments: &Arguments) -> ApiResult {
    let world = shared.world();
    let channel = readable(shared, &world, arguments)?;
    let ts = arguments.required("ts")?;
    let message = world.message(&channel.id, ts).ok_or_else(|| ApiError::new("thread_not_found"))?;
    let range = Range::read(arguments);
    let root = message.thread_ts.clone().unwrap_or_else(|| message.ts.clone());
    // A range narrows the replies; the root always comes first. A reply's own ts shows that reply alone.
    let all: Vec<&Message> = if message.is_reply() {
        vec![message]
    } else {
        world.thread(&channel.id, &root).filter(|one| one.ts == root || range.holds(&one.ts)).collect()
    };
    let page = page(all, arguments, 1000, 1000)?;
    Ok(json!({
        "messages": shown(&world, &page.items, arguments),
        "has_more": page.has_more(),
        "response_metadata": page.metadata(),
    }))
}

/// `oldest` and `latest`, both excluded unless `inclusive`.
struct Range<'a> {
    oldest: Option<&'a str>,
    latest: Option<&'a str>,
    inclusive: bool,
}

impl<'a> Range<'a> {
    fn read(arguments: &'a Arguments) -> Self {
        let bound = |name| arguments.text(name).filter(|ts| !ts.is_empty());
        Self { oldest: bound("oldest"), latest: bound("latest"), inclusive: arguments.flag("inclusive") }
    }

    fn holds(&self, ts: &str) -> bool {
        let instant = micros(ts);
        let above = self.oldest.is_none_or(|oldest| instant > micros(oldest));
        let below = self.latest.is_none_or(|latest| instant < micros(latest));
        let on_edge =
            self.inclusive && [self.oldest, self.latest].into_iter().flatten().any(|edge| micros(edge) == instant);
        (above && below) || on_edge
    }
}

/// A ts as a number, so that `1764000000` and `1764000000.000000` are one instant.
fn micros(ts: &str) -> u64 {
    let (seconds, fraction) = ts.split_once('.').unwrap_or((ts, ""));
    let digits: String = fraction.chars().chain("000000".chars()).take(6).collect();
    seconds.parse::<u64>().unwrap_or(0).saturating_mul(1_000_000) + digits.parse::<u64>().unwrap_or(0)
}

fn shown(world: &World, messages: &[&Message], arguments: &Arguments) -> Vec<Value> {
    let metadata = if arguments.flag("include_all_metadata") { WithMetadata::Yes } else { WithMetadata::No };
    messages.iter().map(|message| world.api_message(message, metadata)).collect()
}

/// A channel whose messages the bot may read: it is in it, and has the scope for its kind.
fn readable<'a>(shared: &Shared, world: &'a World, arguments: &Arguments) -> Result<&'a Channel, ApiError> {
    let channel = visible(world, arguments.required("channel")?)?;
    check_scope(shared, channel, "history")?;
    if channel.bot_is_member { Ok(channel) } else { Err(ApiError::new("not_in_channel")) }
}

/// Public and private channels have scopes of their own.
fn check_scope(shared: &Shared, channel: &Channel, verb: &str) -> Result<(), ApiError> {
    let scope = format!("{}:{verb}", if channel.is_private { "groups" } else { "channels" });
    let granted = shared.config.manifest.bot_scopes();
    if has_scope(granted, &scope) { Ok(()) } else { Err(ApiError::missing_scope(&scope, granted)) }
}

fn members_of(world: &World, channel: &Channel) -> Vec<String> {
    let bot = channel.bot_is_member.then(|| world.app.bot_user.clone());
    channel.members.iter().cloned().chain(bot).collect()
}

fn channel_object(channel: &Channel) -> Value {
    json!({
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": !channel.is_private,
        "is_group": channel.is_private,
        "is_im": false,
        "is_mpim": false,
        "is_private": channel.is_private,
        "is_archived": channel.is_archived,
        "is_general": false,
        "is_shared": false,
        "is_org_shared": false,
        "is_member": channel.bot_is_member,
        "created": 1_764_000_000,
        "creator": channel.members.first(),
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "previous_names": [],
    })
}
