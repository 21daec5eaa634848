//! The requests of the control interface that change something: they act as people, inject failures, change the workspace.

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
        .route("/control/say", routing::post(say))
        .route("/control/envelope", routing::post(send_envelope))
        .route("/control/frame", routing::post(send_frame))
        .route("/control/away", routing::post(go_away))
        .route("/control/back", routing::post(come_back))
        .route("/control/failures", routing::post(fail).delete(clear_failures))
        .route("/control/sockets/announce-disconnect", routing::post(announce_disconnect))
        .route("/control/sockets/close", routing::post(close_sockets))
        .route("/control/users", routing::put(put_user))
        .route("/control/channels", routing::put(put_channel))
        .route("/control/groups", routing::put(put_group))
}

type SharedState = State<Arc<Shared>>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TypedText {
    user: String,
    channel: String,
    text: String,
    #[serde(default)]
    thread_ts: Option<String>,
}

async fn command(State(shared): SharedState, Json(typed): Json<TypedText>) -> Result<Json<CommandOutcome>, Refusal> {
    let thread = typed.thread_ts.as_deref();
    interaction::run_command(&shared, &typed.user, &typed.channel, &typed.text, thread).await.map(Json)
}

async fn click(State(shared): SharedState, Json(pressed): Json<Click>) -> Result<Json<ClickOutcome>, Refusal> {
    interaction::press(&shared, &pressed, 1).await.map(Json)
}

async fn say(State(shared): SharedState, Json(typed): Json<TypedText>) -> Result<Json<Message>, Refusal> {
    interaction::say(&shared, &typed.user, &typed.channel, &typed.text, typed.thread_ts.as_deref()).map(Json)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEnvelope {
    kind: String,
    payload: Value,
}

async fn send_envelope(State(shared): SharedState, Json(raw): Json<RawEnvelope>) -> Result<Json<Value>, Refusal> {
    let delivered = interaction::send_envelope(&shared, &raw.kind, raw.payload).await?;
    Ok(Json(json!({"delivered": delivered})))
}

async fn send_frame(State(shared): SharedState, text: String) -> Result<Json<Value>, Refusal> {
    let sent = interaction::send_frame(&shared, &text)?;
    Ok(Json(json!({"sent": sent})))
}

#[derive(Deserialize)]
struct AwayRequest {
    outage: Outage,
}

async fn go_away(State(shared): SharedState, Json(away): Json<AwayRequest>) -> StatusCode {
    shared.go_away(away.outage);
    StatusCode::NO_CONTENT
}

async fn come_back(State(shared): SharedState) -> StatusCode {
    shared.come_back();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FailRequest {
    method: String,
    #[serde(default = "default_times")]
    times: usize,
    failure: Failure,
}

fn default_times() -> usize {
    1
}

async fn fail(State(shared): SharedState, Json(fail): Json<FailRequest>) -> StatusCode {
    shared.faults().add(&fail.method, fail.times, &fail.failure);
    StatusCode::NO_CONTENT
}

async fn clear_failures(State(shared): SharedState) -> StatusCode {
    shared.faults().clear();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct DisconnectRequest {
    reason: String,
}

async fn announce_disconnect(State(shared): SharedState, Json(announce): Json<DisconnectRequest>) -> StatusCode {
    shared.sockets.announce_disconnect(&announce.reason);
    shared.notify();
    StatusCode::NO_CONTENT
}

async fn close_sockets(State(shared): SharedState) -> StatusCode {
    shared.sockets.close_all();
    shared.notify();
    StatusCode::NO_CONTENT
}

async fn put_user(State(shared): SharedState, Json(user): Json<User>) -> StatusCode {
    shared.put_user(user);
    StatusCode::NO_CONTENT
}

async fn put_channel(State(shared): SharedState, Json(channel): Json<Channel>) -> StatusCode {
    shared.put_channel(channel);
    StatusCode::NO_CONTENT
}

async fn put_group(State(shared): SharedState, Json(group): Json<UserGroup>) -> StatusCode {
    shared.put_group(group);
    StatusCode::NO_CONTENT
}
