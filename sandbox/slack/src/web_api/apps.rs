//! `auth.test`, `api.test` and `apps.connections.open`.

use serde_json::json;

use super::arguments::Arguments;
use super::error::{ApiError, ApiResult};
use crate::state::Shared;

pub(crate) fn api_test(_: &Shared, arguments: &Arguments) -> ApiResult {
    match arguments.text("error") {
        Some(error) => Err(ApiError::new(error)),
        None => Ok(json!({"args": arguments.to_value()})),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the table of methods wants one form")]
pub(crate) fn auth_test(shared: &Shared, _: &Arguments) -> ApiResult {
    let world = shared.world();
    Ok(json!({
        "url": format!("{}/", shared.base_url),
        "team": world.team.name,
        "user": world.app.bot_name,
        "team_id": world.team.id,
        "user_id": world.app.bot_user,
        "bot_id": world.app.bot_id,
        "is_enterprise_install": false,
    }))
}

pub(crate) fn connections_open(shared: &Shared, _: &Arguments) -> ApiResult {
    if !shared.config.manifest.socket_mode_enabled() {
        return Err(ApiError::new("socket_mode_not_enabled"));
    }
    let ticket = shared.sockets.issue_ticket();
    let host = shared.base_url.trim_start_matches("http://");
    Ok(json!({"url": format!("ws://{host}/link/?ticket={ticket}&app_id={}", shared.world().app.app_id)}))
}
