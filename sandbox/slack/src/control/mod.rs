//! The control interface.

use std::sync::Arc;

use axum::Router;

use crate::shared::Shared;

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
}
