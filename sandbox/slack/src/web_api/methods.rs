//! The table of Web API methods: token, scopes, rate limit, and handler of each.

use super::arguments::{Accepts, Arguments};
use super::error::ApiResult;
use super::{apps, chat, conversations, users};
use crate::state::{Limit, Shared, TokenKind};

pub(crate) struct Method {
    pub(crate) name: &'static str,
    pub(crate) token: TokenKind,
    /// Any one of these scopes is enough. A method that depends on the kind of channel checks more.
    pub(crate) scopes: &'static [&'static str],
    pub(crate) limit: Limit,
    pub(crate) accepts: Accepts,
    pub(crate) run: fn(&Shared, &Arguments) -> ApiResult,
}

const fn read(
    name: &'static str,
    scopes: &'static [&'static str],
    limit: Limit,
    run: fn(&Shared, &Arguments) -> ApiResult,
) -> Method {
    Method { name, token: TokenKind::Bot, scopes, limit, accepts: Accepts::FormOnly, run }
}

const fn write(
    name: &'static str,
    scopes: &'static [&'static str],
    limit: Limit,
    run: fn(&Shared, &Arguments) -> ApiResult,
) -> Method {
    Method { name, token: TokenKind::Bot, scopes, limit, accepts: Accepts::Json, run }
}

const READ_SCOPES: &[&str] = &["channels:read", "groups:read"];
const HISTORY_SCOPES: &[&str] = &["channels:history", "groups:history"];

static METHODS: &[Method] = &[
    write("api.test", &[], Limit::Tier4, apps::api_test),
    write("auth.test", &[], Limit::Special, apps::auth_test),
    Method { token: TokenKind::App, ..write("apps.connections.open", &[], Limit::Tier1, apps::connections_open) },
    write("chat.postMessage", &["chat:write"], Limit::PostPerChannel, chat::post_message),
    write("chat.update", &["chat:write"], Limit::Tier3, chat::update),
    write("chat.delete", &["chat:write"], Limit::Tier3, chat::delete),
    write("chat.postEphemeral", &["chat:write"], Limit::Tier4, chat::post_ephemeral),
    read("chat.getPermalink", &[], Limit::Special, chat::get_permalink),
    read("conversations.info", READ_SCOPES, Limit::Tier3, conversations::info),
    read("conversations.list", READ_SCOPES, Limit::Tier2, conversations::list),
    read("conversations.members", READ_SCOPES, Limit::Tier4, conversations::members),
    read("conversations.history", HISTORY_SCOPES, Limit::Tier3, conversations::history),
    read("conversations.replies", HISTORY_SCOPES, Limit::Tier3, conversations::replies),
    read("usergroups.list", &["usergroups:read"], Limit::Tier2, users::usergroups_list),
    read("usergroups.users.list", &["usergroups:read"], Limit::Tier2, users::usergroups_users_list),
    read("users.info", &["users:read"], Limit::Tier4, users::info),
    read("users.list", &["users:read"], Limit::Tier2, users::list),
];

pub(crate) fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}
