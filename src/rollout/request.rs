//! What a request asks for: start state and version, and why a request is refused.

use kube::ResourceExt as _;

use super::{ids::job_id, world::World};
use crate::{
    api::{Direction, FlinkApplication, FlinkRolloutStatus, StartFromKind, StatePath, path_below},
    bake::Start,
};

pub(super) fn request_refusal(world: &World, application: &FlinkApplication) -> Option<String> {
    let request = &world.rollout.spec.request;
    if request.start_from.from == StartFromKind::RestorePoint && requested_path(world).is_none() {
        let known = application.status.as_ref().map(|status| status.restore_points.as_slice()).unwrap_or_default();
        let known: Vec<&str> = known.iter().map(|point| point.name.as_str()).collect();
        let wanted = request.start_from.value.as_deref().unwrap_or_default();
        return Some(format!("there is no restore point {wanted}; known are: {}", known.join(", ")));
    }
    let savepoint = &application.spec.savepoint;
    if let Some(view) =
        savepoint.local_view.as_ref().filter(|view| path_below(&view.prefix, &savepoint.directory).is_none())
    {
        return Some(format!(
            "savepoint.localView.prefix of the FlinkApplication is {}, but savepoint.directory {} is not below it, so Lockkeeper could not \
             see the savepoints: correct one of them, or remove localView",
            view.prefix, savepoint.directory
        ));
    }
    unknown_version(application, request.version.as_deref()?)
}

/// Why a version is refused, if the application lists the versions that exist.
#[must_use]
pub fn unknown_version(application: &FlinkApplication, version: &str) -> Option<String> {
    let known = application.spec.versions.as_ref()?;
    if known.iter().any(|name| name == version) {
        return None;
    }
    // The newest are listed last.
    let newest: Vec<&str> = known.iter().rev().take(5).map(String::as_str).collect();
    let hint = match crate::text::nearest(version, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None if newest.is_empty() => "it lists none".to_owned(),
        None => format!("the last ones listed are {}", newest.join(", ")),
    };
    Some(format!("{version} is not among the versions of {}: {hint}", application.name_any()))
}

/// Job id and start state for this direction and attempt.
pub(super) fn build_start(world: &World, status: &FlinkRolloutStatus) -> Start {
    let point = status.restore_point.as_ref().map(|point| point.path.clone());
    let path = match (status.direction, world.rollout.spec.request.start_from.from) {
        (Direction::Back, _) | (_, StartFromKind::Savepoint | StartFromKind::LastCheckpoint) => point,
        (Direction::Forward, StartFromKind::RestorePoint | StartFromKind::Path) => requested_path(world),
        (Direction::Forward, StartFromKind::Nothing) => None,
    };
    Start { job_id: job_id(&world.uid(), status.direction, status.attempt), path }
}

/// The path of the state that the request itself names.
pub(super) fn requested_path(world: &World) -> Option<StatePath> {
    let start_from = &world.rollout.spec.request.start_from;
    let value = start_from.value.as_ref()?;
    match start_from.from {
        StartFromKind::Path => Some(value.as_str().into()),
        StartFromKind::RestorePoint => {
            let points = &world.application.as_ref()?.status.as_ref()?.restore_points;
            points.iter().find(|point| &point.name == value).map(|point| point.path.clone())
        }
        _ => None,
    }
}
