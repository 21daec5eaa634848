//! The Web API under `/api`: checks tokens, scopes and rate limits, injects faults, and calls the method.

mod apps;
mod arguments;
mod chat;
mod content;
mod conversations;
mod error;
mod methods;
mod pages;
mod scopes;
mod users;

use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use serde_json::{Value, json};

pub(crate) use arguments::Arguments;
pub(crate) use content::{Content, check_content};
pub(crate) use error::ApiError;

/// The scopes of a Web API method. Any one is enough. `None` if the simulator does not have the method.
#[must_use]
pub fn scopes_of(method: &str) -> Option<&'static [&'static str]> {
    methods::find(method).map(|method| method.scopes)
}

use arguments::Accepts;
use methods::Method;
use scopes::has_scope;

use crate::close_connection::CloseConnection;
use crate::state::{ApiCall, Failure, Limit, Shared};

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/api/{method}", routing::get(call).post(call))
}

/// The token and the arguments of a request.
struct Request {
    arguments: Arguments,
    token: Option<String>,
}

async fn call(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let method = methods::find(&name);
    let accepts = method.map_or(Accepts::Json, |method| method.accepts);
    let request = Arguments::read(query.as_deref(), &headers, &body, accepts).map(|mut arguments| {
        let in_arguments = arguments.take_token();
        Request { token: read_bearer_token(&headers).or(in_arguments), arguments }
    });
    let sent = request.as_ref().map_or(Value::Null, |request| request.arguments.to_value());
    let (outcome, response) = answer(&shared, &name, method, request);
    shared.calls().add(ApiCall { method: name, arguments: sent, outcome });
    shared.notify();
    match response {
        Some(response) => response,
        // The request ends when the client closes the connection.
        None => std::future::pending().await,
    }
}

/// Returns the outcome for the log, and the response, if the caller gets one.
fn answer(
    shared: &Shared,
    name: &str,
    method: Option<&'static Method>,
    request: Result<Request, ApiError>,
) -> (String, Option<Response>) {
    let failure = shared.faults().next(name);
    if let Some(Failure::RateLimited { seconds }) = failure {
        shared.limits().set_retry_after(name, seconds, Instant::now());
    }
    if let Some((outcome, response)) = failure.as_ref().and_then(fail_before_effect) {
        return (outcome, Some(response));
    }
    let result = match (method, request) {
        (None, _) => Err(Refusal::Error(ApiError::new("unknown_method"))),
        (_, Err(error)) => Err(Refusal::Error(error)),
        (Some(method), Ok(request)) => run(shared, method, &request),
    };
    match failure {
        Some(Failure::ClosedAfter) => ("closed_after_effect".into(), Some(CloseConnection.into_response())),
        Some(Failure::SilentAfter) => ("silent_after_effect".into(), None),
        _ => {
            let (outcome, response) = respond(result);
            (outcome, Some(response))
        }
    }
}

enum Refusal {
    Error(ApiError),
    RateLimited(u64),
}

fn run(shared: &Shared, method: &Method, request: &Request) -> Result<Value, Refusal> {
    check_token(shared, method, request.token.as_deref()).map_err(Refusal::Error)?;
    if let Some(seconds) = shared.limits().check_retry_after(method.name, Instant::now()) {
        return Err(Refusal::RateLimited(seconds));
    }
    let key = match method.limit {
        Limit::PostPerChannel => {
            format!("{}:{}", method.name, request.arguments.text("channel").unwrap_or_default())
        }
        _ => method.name.to_owned(),
    };
    shared.limits().take(&key, method.limit, Instant::now()).map_err(Refusal::RateLimited)?;
    (method.run)(shared, &request.arguments).map_err(Refusal::Error)
}

fn check_token(shared: &Shared, method: &Method, token: Option<&str>) -> Result<(), ApiError> {
    if method.name == "api.test" {
        return Ok(());
    }
    let token = token.ok_or_else(|| ApiError::new("not_authed"))?;
    let kind = shared.tokens.kind(token).ok_or_else(|| ApiError::new("invalid_auth"))?;
    if kind != method.token {
        return Err(ApiError::new("not_allowed_token_type"));
    }
    let granted = shared.config.manifest.bot_scopes();
    let enough = method.scopes.is_empty() || method.scopes.iter().any(|scope| has_scope(granted, scope));
    if enough { Ok(()) } else { Err(ApiError::missing_scope(&method.scopes.join(","), granted)) }
}

fn fail_before_effect(failure: &Failure) -> Option<(String, Response)> {
    match failure {
        Failure::Error { code } => Some(respond(Err(Refusal::Error(ApiError::new(code))))),
        Failure::RateLimited { seconds } => Some(respond(Err(Refusal::RateLimited(*seconds)))),
        Failure::Http { status } => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Some((format!("http_{}", status.as_u16()), (status, "upstream error").into_response()))
        }
        Failure::ClosedBefore => Some(("closed_before_effect".into(), CloseConnection.into_response())),
        Failure::ClosedAfter | Failure::SilentAfter => None,
    }
}

fn respond(result: Result<Value, Refusal>) -> (String, Response) {
    match result {
        Ok(mut body) => {
            body["ok"] = json!(true);
            ("ok".into(), json_response(StatusCode::OK, body))
        }
        Err(Refusal::Error(error)) => (error.code.clone(), json_response(StatusCode::OK, error.to_body())),
        Err(Refusal::RateLimited(seconds)) => {
            let body = ApiError::new("ratelimited").to_body();
            let mut response = json_response(StatusCode::TOO_MANY_REQUESTS, body);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            ("ratelimited".into(), response)
        }
    }
}

fn json_response(status: StatusCode, body: Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], Json(body)).into_response()
}

fn read_bearer_token(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ").map(|token| token.trim().to_owned())
}
