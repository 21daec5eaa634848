//! `conversations.*`: reads channels, their members, messages and threads.

use serde_json::{Value, json};

use super::arguments::Arguments;
use super::chat::find_visible_channel;
use super::error::{ApiError, ApiResult};
use super::pages::cut_page;
use super::scopes::has_scope;
use crate::state::Shared;
use crate::world::{Channel, Message, WithMetadata, World};

pub(crate) fn info(shared: &Shared, arguments: &Arguments) -> ApiResult {
    let world = shared.world();
    let channel = find_visible_channel(&world, arguments.required("channel")?)?;
    check_scope(shared, channel, "read")?;
    let mut shown = channel_object(channel);
    if arguments.flag("include_num_members") {
        shown["num_members"] = json!(list_members(&world, channel).len());
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
    let page = cut_page(all.into_iter().map(channel_object).collect(), arguments, 100, 1000)?;
    Ok(json!({"response_metadata": page.metadata(), "channels": page.items}))
}

pub(crate) fn members(shared: &Shared, arguments: &Arguments) -> ApiResult {
    let world = shared.world();
    let channel = find_visible_channel(&world, arguments.required("channel")?)?;
    check_scope(shared, channel, "read")?;
    let page = cut_page(list_members(&world, channel), arguments, 100, 1000)?;
    Ok(json!({"response_metadata": page.metadata(), "members": page.items}))
}

pub(crate) fn history(shared: &Shared, arguments: &Arguments) -> ApiResult {
    let world = shared.world();
    let channel = find_readable_channel(shared, &world, arguments)?;
    let range = Range::read(arguments);
    // Newest first, unlike threads.
    let all: Vec<&Message> =
        world.channel_messages(&channel.id).rev().filter(|message| range.contains(&message.ts)).collect();
    let page = cut_page(all, arguments, 100, 999)?;
    Ok(json!({
        "messages": api_messages(&world, &page.items, arguments),
        "has_more": page.has_more(),
        "pin_count": 0,
        "response_metadata": page.metadata(),
    }))
}

pub(crate) fn replies(shared: &Shared, arguments: &Arguments) -> ApiResult {
    let world = shared.world();
    let channel = find_readable_channel(shared, &world, arguments)?;
    let ts = arguments.required("ts")?;
    let message = world.message(&channel.id, ts).ok_or_else(|| ApiError::new("thread_not_found"))?;
    let range = Range::read(arguments);
    let root = message.thread_ts.clone().unwrap_or_else(|| message.ts.clone());
    // A range limits the replies, but the root always comes first. The ts of a reply returns only that reply.
    let all: Vec<&Message> = if message.is_reply() {
        vec![message]
    } else {
        world.thread(&channel.id, &root).filter(|one| one.ts == root || range.contains(&one.ts)).collect()
    };
    let page = cut_page(all, arguments, 1000, 1000)?;
    Ok(json!({
        "messages": api_messages(&world, &page.items, arguments),
        "has_more": page.has_more(),
        "response_metadata": page.metadata(),
    }))
}

/// The range from `oldest` to `latest`. Both ends are excluded unless `inclusive` is set.
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

    fn contains(&self, ts: &str) -> bool {
        let instant = parse_micros(ts);
        let above = self.oldest.is_none_or(|oldest| instant > parse_micros(oldest));
        let below = self.latest.is_none_or(|latest| instant < parse_micros(latest));
        let on_edge = self.inclusive
            && [self.oldest, self.latest].into_iter().flatten().any(|edge| parse_micros(edge) == instant);
        (above && below) || on_edge
    }
}

/// Parses a ts as microseconds, so that `1764000000` and `1764000000.000000` are equal.
fn parse_micros(ts: &str) -> u64 {
    let (seconds, fraction) = ts.split_once('.').unwrap_or((ts, ""));
    let digits: String = fraction.chars().chain("000000".chars()).take(6).collect();
    seconds.parse::<u64>().unwrap_or(0).saturating_mul(1_000_000) + digits.parse::<u64>().unwrap_or(0)
}

fn api_messages(world: &World, messages: &[&Message], arguments: &Arguments) -> Vec<Value> {
    let metadata = if arguments.flag("include_all_metadata") { WithMetadata::Yes } else { WithMetadata::No };
    messages.iter().map(|message| world.api_message(message, metadata)).collect()
}

/// Finds a channel whose messages the bot may read: it must be a member and have the scope.
fn find_readable_channel<'a>(
    shared: &Shared,
    world: &'a World,
    arguments: &Arguments,
) -> Result<&'a Channel, ApiError> {
    let channel = find_visible_channel(world, arguments.required("channel")?)?;
    check_scope(shared, channel, "history")?;
    if channel.bot_is_member { Ok(channel) } else { Err(ApiError::new("not_in_channel")) }
}

/// Checks the scope for this kind of channel. Public and private channels have different scopes.
fn check_scope(shared: &Shared, channel: &Channel, verb: &str) -> Result<(), ApiError> {
    let scope = format!("{}:{verb}", if channel.is_private { "groups" } else { "channels" });
    let granted = shared.config.manifest.bot_scopes();
    if has_scope(granted, &scope) { Ok(()) } else { Err(ApiError::missing_scope(&scope, granted)) }
}

fn list_members(world: &World, channel: &Channel) -> Vec<String> {
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
