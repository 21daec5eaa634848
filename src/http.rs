//! Health, readiness and metrics over HTTP.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    routing::get,
};
use dashmap::DashMap;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The part of readiness that says whether this process holds the lease of a namespace.
pub fn lease_part(namespace: &str) -> String {
    format!("namespace {namespace}")
}

/// The parts that readiness depends on, by name, and whether each one is ready now.
///
/// `namespace NAME` is ready while this process holds the lease of the namespace. `slack` is ready while Slack accepts the tokens and keeps a socket open,
/// and if it has listed the groups within the last minute.
#[derive(Debug, Clone, Default)]
pub struct Readiness {
    parts: Arc<DashMap<String, bool>>,
}

impl Readiness {
    pub fn set(&self, part: &str, ready: bool) {
        self.parts.insert(part.to_owned(), ready);
    }

    /// Whether a part is ready now. A part that was never set is not.
    pub fn is_ready(&self, part: &str) -> bool {
        self.parts.get(part).is_some_and(|ready| *ready)
    }

    fn answer(&self) -> (StatusCode, Json<Value>) {
        let parts: serde_json::Map<String, Value> =
            self.parts.iter().map(|entry| (entry.key().clone(), Value::Bool(*entry.value()))).collect();
        let ready = !parts.is_empty() && parts.values().all(|ready| ready == &Value::Bool(true));
        let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (status, Json(json!({ "ready": ready, "parts": parts })))
    }
}

/// The media type of `/metrics`.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Renders the metrics when they are asked for.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// `/healthz` says that the process answers; `/readyz` says that it can act; `/metrics` is for Prometheus.
fn routes(readiness: Readiness, metrics: RenderMetrics) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(|State(readiness): State<Readiness>| async move { readiness.answer() }))
        .route("/metrics", get(move || async move { ([(CONTENT_TYPE, METRICS_TYPE)], metrics()) }))
        .with_state(readiness)
}

/// Serves the routes until `stop` completes. `bound` receives the real address, which differs from `listen` for port 0.
pub async fn serve(
    listen: SocketAddr,
    readiness: Readiness,
    metrics: RenderMetrics,
    bound: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    bound(listener.local_addr()?);
    axum::serve(listener, routes(readiness, metrics)).with_graceful_shutdown(stop).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bot_is_ready_only_when_every_part_is_ready() {
        let readiness = Readiness::default();
        assert_eq!(readiness.answer().0, StatusCode::SERVICE_UNAVAILABLE);
        readiness.set(&lease_part("flink"), true);
        readiness.set("slack", false);
        assert_eq!(readiness.answer().0, StatusCode::SERVICE_UNAVAILABLE);
        readiness.set("slack", true);
        assert_eq!(readiness.answer().0, StatusCode::OK);
    }
}
