//! `users.*` and `usergroups.*`.

use serde_json::{Value, json};

use super::arguments::Arguments;
use super::error::{ApiError, ApiResult};
use super::pages::cut_page;
use crate::state::Shared;
use crate::world::{User, UserGroup, World};

pub(crate) fn info(shared: &Shared, arguments: &Arguments) -> ApiResult {
    let id = arguments.required("user")?;
    let world = shared.world();
    list_users(&world)
        .into_iter()
        .find(|user| user["id"] == id)
        .map(|user| json!({"user": user}))
        .ok_or_else(|| ApiError::new("user_not_found"))
}

pub(crate) fn list(shared: &Shared, arguments: &Arguments) -> ApiResult {
    let page = cut_page(list_users(&shared.world()), arguments, 1000, 1000)?;
    Ok(json!({"response_metadata": page.metadata(), "members": page.items, "cache_ts": 1_764_000_000}))
}

#[expect(clippy::unnecessary_wraps, reason = "the table of methods wants one form")]
pub(crate) fn usergroups_list(shared: &Shared, arguments: &Arguments) -> ApiResult {
    let world = shared.world();
    let all = arguments.flag("include_disabled");
    let groups: Vec<Value> = world
        .groups
        .iter()
        .filter(|group| all || !group.is_disabled)
        .map(|group| group_object(&world, group, arguments.flag("include_users")))
        .collect();
    Ok(json!({"usergroups": groups}))
}

pub(crate) fn usergroups_users_list(shared: &Shared, arguments: &Arguments) -> ApiResult {
    let id = arguments.required("usergroup")?;
    let world = shared.world();
    let group = world
        .groups
        .iter()
        .find(|group| group.id == id && (!group.is_disabled || arguments.flag("include_disabled")))
        .ok_or_else(|| ApiError::new("no_such_subteam"))?;
    Ok(json!({"users": group.users}))
}

fn list_users(world: &World) -> Vec<Value> {
    let app = &world.app;
    let bot = User { id: app.bot_user.clone(), name: app.bot_name.clone(), real_name: app.app_name.clone() };
    let people = world.users.iter().map(|user| user_object(world, user, false));
    people.chain([user_object(world, &bot, true)]).collect()
}

fn user_object(world: &World, user: &User, is_bot: bool) -> Value {
    json!({
        "id": user.id,
        "team_id": world.team.id,
        "name": user.name,
        "deleted": false,
        "real_name": user.real_name,
        "tz": "Etc/UTC",
        "tz_label": "UTC",
        "tz_offset": 0,
        "profile": {"real_name": user.real_name, "display_name": user.name, "team": world.team.id},
        "is_admin": false,
        "is_owner": false,
        "is_bot": is_bot,
        "is_app_user": false,
        "updated": 1_764_000_000,
    })
}

fn group_object(world: &World, group: &UserGroup, with_users: bool) -> Value {
    let mut object = json!({
        "id": group.id,
        "team_id": world.team.id,
        "is_usergroup": true,
        "is_subteam": true,
        "name": group.name,
        "description": "",
        "handle": group.handle,
        "is_external": false,
        "date_create": 1_764_000_000,
        "date_update": 1_764_000_000,
        "date_delete": i32::from(group.is_disabled),
        "created_by": group.users.first().map_or("U0UNKNOWN", String::as_str),
        "prefs": {"channels": [], "groups": []},
        "user_count": group.users.len(),
    });
    if with_users {
        object["users"] = json!(group.users);
    }
    object
}
