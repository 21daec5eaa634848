//! Health and readiness over HTTP.

use std::{net::SocketAddr, sync::Arc};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use dashmap::DashMap;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What readiness depends on: each part by name, and whether it is ready now. `kubernetes` is ready once everything has started; `slack` while
/// Slack takes the tokens, has opened a socket, and has said within the last minute who is in which group.
#[derive(Debug, Clone, Default)]
pub struct Readiness {
    parts: Arc<DashMap<String, bool>>,
}

impl Readiness {
    /// Notes whether a part is ready.
    pub fn set(&self, part: &str, ready: bool) {
        self.parts.insert(part.to_owned(), ready);
    }

    fn answer(&self) -> (StatusCode, Json<Value>) {
        let parts: serde_json::Map<String, Value> =
            self.parts.iter().map(|entry| (entry.key().clone(), Value::Bool(*entry.value()))).collect();
        let ready = !parts.is_empty() && parts.values().all(|ready| ready == &Value::Bool(true));
        let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (status, Json(json!({ "ready": ready, "parts": parts })))
    }
}

/// The routes: `/healthz` says that the process answers, `/readyz` that it can act.
pub fn routes(readiness: Readiness) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(|State(readiness): State<Readiness>| async move { readiness.answer() }))
        .with_state(readiness)
}

/// Serves them until `stop` is done; `bound` is told the address, which matters where port 0 was asked for.
pub async fn serve(
    listen: SocketAddr,
    readiness: Readiness,
    bound: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    bound(listener.local_addr()?);
    axum::serve(listener, routes(readiness)).with_graceful_shutdown(stop).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_only_when_every_part_is() {
        let readiness = Readiness::default();
        assert_eq!(readiness.answer().0, StatusCode::SERVICE_UNAVAILABLE);
        readiness.set("kubernetes", true);
        readiness.set("slack", false);
        assert_eq!(readiness.answer().0, StatusCode::SERVICE_UNAVAILABLE);
        readiness.set("slack", true);
        assert_eq!(readiness.answer().0, StatusCode::OK);
    }
}
