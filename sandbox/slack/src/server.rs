//! The HTTP server. It has its own accept loop, because axum cannot close a connection without an answer.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::close_connection::CloseConnection;
use crate::state::{Outage, Shared};
use crate::{control, interaction, page, socket_mode, web_api};

/// All routes. During an outage Slack's own routes are refused; the page and the control interface keep working.
pub(crate) fn router(shared: &Arc<Shared>) -> Router {
    let slack = Router::new()
        .merge(web_api::routes())
        .merge(socket_mode::routes())
        .merge(interaction::routes())
        .layer(middleware::from_fn_with_state(Arc::clone(shared), refuse_during_outage));
    Router::new().merge(slack).merge(control::routes()).merge(page::routes()).with_state(Arc::clone(shared))
}

async fn refuse_during_outage(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    match shared.current_outage() {
        None => next.run(request).await,
        Some(Outage::Unavailable) => (StatusCode::SERVICE_UNAVAILABLE, "service unavailable").into_response(),
        Some(Outage::ConnectionClosed) => CloseConnection.into_response(),
        Some(Outage::BlackHole) => {
            wait_until_slack_is_back(&shared).await;
            CloseConnection.into_response()
        }
    }
}

async fn wait_until_slack_is_back(shared: &Shared) {
    drop(shared.outage.subscribe().wait_for(Option::is_none).await);
}

/// Serves until the future is dropped. All connections end with it.
pub(crate) async fn serve(listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(serve_connection(stream, router.clone()))),
                Err(error) => tracing::warn!(%error, "could not accept a connection"),
            },
            Some(_) = connections.join_next() => (),
        }
    }
}

async fn serve_connection(stream: TcpStream, router: Router) {
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let router = router.clone();
        async move {
            let response = router.oneshot(request.map(Body::new)).await;
            let response = response.unwrap_or_else(|never: Infallible| match never {});
            match response.extensions().get::<CloseConnection>() {
                Some(_) => Err(io::Error::from(io::ErrorKind::ConnectionAborted)),
                None => Ok(response),
            }
        }
    });
    drop(stream.set_nodelay(true));
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.with_upgrades().await {
        tracing::debug!(%error, "a connection ended early");
    }
}
