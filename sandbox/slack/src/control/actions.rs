//! The control interface's writing half: acting as people, breaking things, changing the workspace.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Json, Router, routing};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::interaction::{self, Click, ClickOutcome, CommandOutcome, Refusal};
use crate::state::{Failure, Outage, Shared};
use crate::world::{Channel, Message, User, UserGroup};

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/control/command", routing::post(command))
        .route("/control/click", routing::post(click))
        .route("/control/say", routing::post(write))
        .route("/control/envelope", routing::post(envelope))
        .route("/control/frame", routing::post(frame))
        .route("/control/away", routing::post(away))
        .route("/control/back", routing::post(back))
        .route("/control/failures", routing::post(fail).delete(clear_failures))
        .route("/control/sockets/announce-disconnect", routing::post(announce_disconnect))
        .route("/control/sockets/close", routing::post(close_sockets))
        .route("/control/users", routing::put(user))
        .route("/control/channels", routing::put(channel))
        .route("/control/groups", routing::put(group))
}

type Shares = State<Arc<Shared>>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Typed {
    user: String,
    channel: String,
    text: String,
    #[serde(default)]
    thread_ts: Option<String>,
}

async fn command(State(shared): Shares, Json(typed): Json<Typed>) -> Result<Json<CommandOutcome>, Refusal> {
    let thread = typed.thread_ts.as_deref();
    interaction::command(&shared, &typed.user, &typed.channel, &typed.text, thread).await.map(Json)
}

async fn click(State(shared): Shares, Json(pressed): Json<Click>) -> Result<Json<ClickOutcome>, Refusal> {
    interaction::click(&shared, &pressed, 1).await.map(Json)
}

async fn write(State(shared): Shares, Json(typed): Json<Typed>) -> Result<Json<Message>, Refusal> {
    interaction::say(&shared, &typed.user, &typed.channel, &typed.text, typed.thread_ts.as_deref()).map(Json)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    kind: String,
    payload: Value,
}

async fn envelope(State(shared): Shares, Json(raw): Json<Raw>) -> Result<Json<Value>, Refusal> {
    let delivered = interaction::envelope(&shared, &raw.kind, raw.payload).await?;
    Ok(Json(json!({"delivered": delivered})))
}

async fn frame(State(shared): Shares, text: String) -> Result<Json<Value>, Refusal> {
    let sent = interaction::frame(&shared, &text)?;
    Ok(Json(json!({"sent": sent})))
}

#[derive(Deserialize)]
struct Away {
    outage: Outage,
}

async fn away(State(shared): Shares, Json(away): Json<Away>) -> StatusCode {
    shared.go_away(away.outage);
    StatusCode::NO_CONTENT
}

async fn back(State(shared): Shares) -> StatusCode {
    shared.come_back();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fail {
    method: String,
    #[serde(default = "once")]
    times: usize,
    failure: Failure,
}

fn once() -> usize {
    1
}

async fn fail(State(shared): Shares, Json(fail): Json<Fail>) -> StatusCode {
    shared.faults().add(&fail.method, fail.times, &fail.failure);
    StatusCode::NO_CONTENT
}

async fn clear_failures(State(shared): Shares) -> StatusCode {
    shared.faults().clear();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Announce {
    reason: String,
}

async fn announce_disconnect(State(shared): Shares, Json(announce): Json<Announce>) -> StatusCode {
    shared.sockets.announce_disconnect(&announce.reason);
    shared.notify();
    StatusCode::NO_CONTENT
}

async fn close_sockets(State(shared): Shares) -> StatusCode {
    shared.sockets.close_all();
    shared.notify();
    StatusCode::NO_CONTENT
}

async fn user(State(shared): Shares, Json(user): Json<User>) -> StatusCode {
    shared.put_user(user);
    StatusCode::NO_CONTENT
}

async fn channel(State(shared): Shares, Json(channel): Json<Channel>) -> StatusCode {
    shared.put_channel(channel);
    StatusCode::NO_CONTENT
}

async fn group(State(shared): Shares, Json(group): Json<UserGroup>) -> StatusCode {
    shared.put_group(group);
    StatusCode::NO_CONTENT
}
