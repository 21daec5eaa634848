//! A response that closes the connection instead of answering.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// A response that the server does not send. It closes the connection instead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CloseConnection;

impl IntoResponse for CloseConnection {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
