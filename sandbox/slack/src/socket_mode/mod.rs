//! Socket Mode: an app opens sockets with one-use tickets. Each payload goes to exactly one socket.

mod connection;

use std::sync::Arc;

use axum::extract::{Query, State, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use serde::Deserialize;

use crate::state::Shared;

/// The maximum number of connections at Slack. The eleventh is refused.
const MAX_CONNECTIONS: usize = 10;

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
    if shared.sockets.count() >= MAX_CONNECTIONS {
        return (StatusCode::TOO_MANY_REQUESTS, "too_many_websockets").into_response();
    }
    upgrade.on_upgrade(move |socket| connection::serve(shared, socket))
}
