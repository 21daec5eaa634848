//! Serves the page at `/`. Its static files are compiled into the program; there is no framework and no build step.

use std::sync::Arc;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};

use crate::state::Shared;

/// Scripts and styles load only from the simulator itself. Images in messages may come from any host.
const POLICY: &str = "default-src 'self'; img-src 'self' https: data:; object-src 'none'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

const INDEX: &str = include_str!("assets/index.html");

/// (path, content type, content)
const FILES: &[(&str, &str, &str)] = &[
    ("/assets/style.css", "text/css; charset=utf-8", include_str!("assets/style.css")),
    ("/assets/messages.css", "text/css; charset=utf-8", include_str!("assets/messages.css")),
    ("/assets/icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
    ("/assets/app.js", SCRIPT, include_str!("assets/app.js")),
    ("/assets/api.js", SCRIPT, include_str!("assets/api.js")),
    ("/assets/blocks.js", SCRIPT, include_str!("assets/blocks.js")),
    ("/assets/composer.js", SCRIPT, include_str!("assets/composer.js")),
    ("/assets/dialog.js", SCRIPT, include_str!("assets/dialog.js")),
    ("/assets/dom.js", SCRIPT, include_str!("assets/dom.js")),
    ("/assets/messages.js", SCRIPT, include_str!("assets/messages.js")),
    ("/assets/mrkdwn.js", SCRIPT, include_str!("assets/mrkdwn.js")),
    ("/assets/sidebar.js", SCRIPT, include_str!("assets/sidebar.js")),
    ("/assets/time.js", SCRIPT, include_str!("assets/time.js")),
];

const SCRIPT: &str = "text/javascript; charset=utf-8";

pub(crate) fn routes() -> Router<Arc<Shared>> {
    let index = || async { file("text/html; charset=utf-8", INDEX) };
    // A permalink opens the same page, whose script then finds the message.
    let pages =
        Router::new().route("/", routing::get(index)).route("/archives/{channel}/{message}", routing::get(index));
    FILES.iter().fold(pages, |router, &(path, kind, content)| {
        router.route(path, routing::get(move || async move { file(kind, content) }))
    })
}

fn file(kind: &'static str, content: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, content).into_response()
}
