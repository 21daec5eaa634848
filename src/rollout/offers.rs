//! What a refused or ended rollout offers instead: other start states, each with its cost.

use jiff::{SignedDuration, Timestamp};

use super::world::World;
use crate::{
    api::{Choice, FlinkApplication, LastCheckpoint, StartFrom, StartFromKind, StatePath, Time},
    flink::Checkpoints,
};

/// Why a rollout is refused at Plan, and which other start states are possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason, and what to do.
    pub message: String,
    /// Other start states for a new rollout, each with its cost.
    pub choices: Vec<Choice>,
}

impl Refusal {
    /// A refusal without other choices.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), choices: Vec::new() }
    }
}

/// Refuses a rollout that names no start state while no job runs. The newest restore point is offered.
pub(super) fn refuse_without_start(what: &str, application: &FlinkApplication) -> Refusal {
    let points = application.status.as_ref().map(|status| status.restore_points.as_slice()).unwrap_or_default();
    let Some(newest) = points.last() else {
        return Refusal {
            message: format!("{what}. No restore point is known: say where to start from, a path or nothing"),
            choices: vec![offer_empty_start()],
        };
    };
    let choice = Choice {
        start_from: StartFrom::restore_point(&newest.name),
        cost: format!("{}, taken at {}; what was emitted after it is emitted again", newest.path, newest.at.0),
    };
    Refusal {
        message: format!(
            "{what}. Its newest restore point is {} ({}): ask for it with startFrom RestorePoint",
            newest.name, newest.path
        ),
        choices: vec![choice],
    }
}

/// Offers an empty start.
pub(super) fn offer_empty_start() -> Choice {
    Choice {
        start_from: StartFrom::plain(StartFromKind::Nothing),
        cost: "an empty start; whatever state there was is lost".to_owned(),
    }
}

/// Why a job without any state cannot be stopped without a savepoint, and what to do instead.
pub(super) fn describe_no_state(job_manager: &str) -> String {
    format!(
        "the job has completed no checkpoint and was restored from none, so there is no state to keep: if it may be lost, scale its \
         Deployment {job_manager} to 0, then start from nothing"
    )
}

/// The last known state: the last checkpoint, or else the state that the job was started from.
pub(super) fn find_last_state(checkpoints: &Checkpoints) -> Option<(StatePath, Option<Time>)> {
    let completed = checkpoints.latest.completed.as_ref().and_then(|last| {
        let at = Timestamp::from_millisecond(last.trigger_timestamp).ok().map(crate::api::time);
        Some((last.external_path.clone()?, at))
    });
    completed.or_else(|| Some((checkpoints.latest.restored.as_ref()?.external_path.clone()?, None)))
}

/// Offers to start from the last checkpoint.
pub(super) fn offer_last_checkpoint(world: &World, checkpoint: &LastCheckpoint) -> Choice {
    let LastCheckpoint { path, at, .. } = checkpoint;
    let age = world.now.duration_since(at.0).max(SignedDuration::ZERO).as_secs();
    Choice {
        start_from: StartFrom::plain(StartFromKind::LastCheckpoint),
        cost: format!(
            "the newest checkpoint known is {path}, {age} s old; what came after the last one is processed again"
        ),
    }
}

/// Offers to replace a JobManager that does not answer, from the state that the request names, or else from the newest restore point.
pub(super) fn offer_without_job_manager(world: &World, application: &FlinkApplication) -> Option<Choice> {
    let asked = &world.rollout.spec.request.start_from;
    let newest = || Some(StartFrom::restore_point(&application.status.as_ref()?.restore_points.last()?.name));
    let start_from = if asked.from.needs_no_job() { Some(asked.clone()) } else { newest() };
    start_from.map(|start_from| Choice {
        start_from: start_from.without_job_manager(),
        cost: "the JobManager that does not answer is stopped without a savepoint; what it has done since that state is given up, and \
               its newest checkpoint is only in the backup of its HA metadata"
            .to_owned(),
    })
}

/// Offers to skip the savepoint, if the target starts from another state anyway.
pub(super) fn offer_without_savepoint(world: &World) -> Option<Choice> {
    let asked = &world.rollout.spec.request.start_from;
    asked.from.needs_no_job().then(|| Choice {
        start_from: asked.clone().without_savepoint(),
        cost: "what was processed since then counts as lost: of what runs now only its last checkpoint is kept, as the restore point"
            .to_owned(),
    })
}
