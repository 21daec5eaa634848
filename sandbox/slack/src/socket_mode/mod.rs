//! Socket Mode: sockets that an app opens with a one-use ticket, over which each payload goes to exactly one of them.

mod connection;

use std::sync::Arc;

use axum::extract::{Query, State, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use serde::Deserialize;

use crate::state::Shared;

/// Slack's most; the eleventh is turned away.
const MOST_CONNECTIONS: usize = 10;

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/link/", routing::get(open)).route("/link", routing::get(open))
}

#[derive(Deserialize)]
struct Link {
    #[serde(default)]
    ticket: String,
}

async fn open(State(shared): State<Arc<Shared>>, Query(link): Query<Link>, upgrade: WebSocketUpgrade) -> Response {
    if !shared.sockets.redeem(&link.ticket) {
        return (StatusCode::FORBIDDEN, "invalid_ticket").into_response();
    }
    if shared.sockets.count() >= MOST_CONNECTIONS {
        return (StatusCode::TOO_MANY_REQUESTS, "too_many_websockets").into_response();
    }
    upgrade.on_upgrade(move |socket| connection::serve(shared, socket))
}
