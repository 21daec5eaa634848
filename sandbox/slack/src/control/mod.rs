//! The control interface under `/control`: everything that [`Simulator`](crate::Simulator) does, as JSON over HTTP.
//!
//! The page and other processes use it. It keeps working during an outage.

mod actions;
mod changes;
mod message_view;
mod state;

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use serde::Deserialize;
use serde_json::{Value, json};

use message_view::{MessageView, describe_messages};

use crate::interaction::Refusal;
use crate::state::Shared;
use crate::view::View;
use crate::world::Ephemeral;

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/control/world", routing::get(state::world))
        .route("/control/state", routing::get(state::state))
        .route("/control/changes", routing::get(changes::changes))
        .route("/control/channels/{channel}/messages", routing::get(channel))
        .route("/control/channels/{channel}/threads/{ts}", routing::get(thread))
        .route("/control/channels/{channel}/text", routing::get(channel_text))
        .route("/control/channels/{channel}/threads/{ts}/text", routing::get(thread_text))
        .route("/control/ephemerals", routing::get(ephemerals))
        .route("/control/calls", routing::get(calls).delete(forget_calls))
        .merge(actions::routes())
}

async fn channel(State(shared): State<Arc<Shared>>, Path(channel): Path<String>) -> Json<Vec<MessageView>> {
    Json(describe_messages(&shared, View::new(&shared).channel(&channel)))
}

async fn thread(
    State(shared): State<Arc<Shared>>,
    Path((channel, ts)): Path<(String, String)>,
) -> Json<Vec<MessageView>> {
    Json(describe_messages(&shared, View::new(&shared).thread(&channel, &ts)))
}

async fn channel_text(State(shared): State<Arc<Shared>>, Path(channel): Path<String>) -> String {
    View::new(&shared).render_channel(&channel)
}

async fn thread_text(State(shared): State<Arc<Shared>>, Path((channel, ts)): Path<(String, String)>) -> String {
    View::new(&shared).render_thread(&channel, &ts)
}

#[derive(Deserialize)]
struct EphemeralsQuery {
    user: String,
}

async fn ephemerals(State(shared): State<Arc<Shared>>, Query(query): Query<EphemeralsQuery>) -> Json<Vec<Ephemeral>> {
    Json(View::new(&shared).ephemerals(&query.user))
}

/// All calls, and their number by method and outcome.
async fn calls(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let calls = shared.calls().all();
    let mut counts = serde_json::Map::new();
    for call in &calls {
        let methods = counts.entry(call.method.clone()).or_insert_with(|| json!({}));
        methods[&call.outcome] = json!(methods[&call.outcome].as_u64().unwrap_or(0) + 1);
    }
    Json(json!({"counts": counts, "calls": calls}))
}

async fn forget_calls(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.calls().clear();
    StatusCode::NO_CONTENT
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (StatusCode::CONFLICT, Json(json!({"error": self.to_string()}))).into_response()
    }
}
