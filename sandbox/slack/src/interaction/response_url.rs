//! `response_url`: five answers within half an hour, to the person who acted, or to the channel.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};

use crate::shared::Shared;
use crate::web_api::{ApiError, Arguments, Content, check_content};
use crate::world::{Ephemeral, NewMessage, Revision, World};

const USES: u32 = 5;

#[derive(Debug)]
pub(crate) struct ResponseUrls {
    lifetime: Duration,
    by_secret: HashMap<String, Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    user: String,
    channel: String,
    origin: Option<Origin>,
    uses_left: u32,
    issued: Instant,
}

/// The message whose button was pressed.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) ts: String,
    pub(super) is_ephemeral: bool,
}

impl ResponseUrls {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self { lifetime, by_secret: HashMap::new() }
    }

    pub(super) fn issue(
        &mut self,
        base_url: &str,
        team: &str,
        user: &str,
        channel: &str,
        origin: Option<Origin>,
    ) -> String {
        let lifetime = self.lifetime;
        self.by_secret.retain(|_, entry| entry.issued.elapsed() < lifetime);
        let kind = if origin.is_some() { "actions" } else { "commands" };
        let secret = uuid::Uuid::new_v4().simple().to_string();
        let entry =
            Entry { user: user.into(), channel: channel.into(), origin, uses_left: USES, issued: Instant::now() };
        self.by_secret.insert(secret.clone(), entry);
        format!("{base_url}/{kind}/{team}/{}/{secret}", self.by_secret.len())
    }

    /// Takes one use.
    fn redeem(&mut self, secret: &str) -> Result<Entry, &'static str> {
        let entry = self.by_secret.get_mut(secret).ok_or("expired_url")?;
        if entry.issued.elapsed() >= self.lifetime {
            return Err("expired_url");
        }
        entry.uses_left = entry.uses_left.checked_sub(1).ok_or("used_url")?;
        Ok(entry.clone())
    }
}

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/commands/{team}/{number}/{secret}", routing::post(respond))
        .route("/actions/{team}/{number}/{secret}", routing::post(respond))
}

async fn respond(
    State(shared): State<Arc<Shared>>,
    Path((_, _, secret)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let parsed = Arguments::from_body(&headers, &body)
        .and_then(|arguments| check_content(&arguments).map(|content| (arguments, content)));
    let (arguments, content) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return (StatusCode::BAD_REQUEST, error.code).into_response(),
    };
    let entry = match shared.response_urls().redeem(&secret) {
        Ok(entry) => entry,
        Err(code) => return (StatusCode::NOT_FOUND, code).into_response(),
    };
    match shared.change(|world| answer(world, &entry, &arguments, content)) {
        Ok(()) => (StatusCode::OK, "ok").into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, error.code).into_response(),
    }
}

fn answer(world: &mut World, entry: &Entry, arguments: &Arguments, content: Content) -> Result<(), ApiError> {
    let missing = || ApiError::new("message_not_found");
    let origin = entry.origin.as_ref();
    if arguments.flag("delete_original") {
        let origin = origin.ok_or_else(missing)?;
        let deleted = if origin.is_ephemeral {
            world.delete_ephemeral(&origin.ts)
        } else {
            world.delete(&entry.channel, &origin.ts)
        };
        return if deleted { Ok(()) } else { Err(missing()) };
    }
    if !content.is_visible() {
        return Err(ApiError::new("no_text"));
    }
    let (text, blocks) = (content.text.unwrap_or_default(), content.blocks.unwrap_or_default());
    if arguments.flag("replace_original") {
        let origin = origin.ok_or_else(missing)?;
        let revision = Revision { text: Some(text.clone()), blocks: Some(blocks.clone()), ..Revision::default() };
        let replaced = if origin.is_ephemeral {
            world.replace_ephemeral(&origin.ts, text, blocks)
        } else {
            world.revise(&entry.channel, &origin.ts, revision).is_some()
        };
        return if replaced { Ok(()) } else { Err(missing()) };
    }
    // Without a thread_ts the answer goes to the channel, even to a button in a thread.
    let thread_ts = arguments.text("thread_ts").map(str::to_owned);
    if arguments.text("response_type") == Some("in_channel") {
        let (user, bot_id) = (world.app.bot_user.clone(), Some(world.app.bot_id.clone()));
        let channel = entry.channel.clone();
        world.post(NewMessage { channel, user, bot_id, text, blocks, thread_ts, ..NewMessage::default() });
    } else {
        world.show_ephemeral(Ephemeral {
            ts: String::new(),
            channel: entry.channel.clone(),
            user: entry.user.clone(),
            thread_ts,
            from_slack: false,
            text,
            blocks,
            in_reply_to: None,
        });
    }
    Ok(())
}
