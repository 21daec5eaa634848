//! Serves `response_url`s: an app may answer five times within 30 minutes, to the person or to the channel.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};

use crate::state::{ResponseUrl, Shared};
use crate::web_api::{ApiError, Arguments, Content, check_content};
use crate::world::{Ephemeral, NewMessage, Revision, World};

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
    match shared.change(|world| apply_answer(world, &entry, &arguments, content)) {
        Ok(()) => (StatusCode::OK, "ok").into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, error.code).into_response(),
    }
}

fn apply_answer(
    world: &mut World,
    entry: &ResponseUrl,
    arguments: &Arguments,
    content: Content,
) -> Result<(), ApiError> {
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
