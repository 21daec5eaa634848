//! Why something typed or clicked is refused. The words for it are in messages/refusals.rs.

use std::sync::Arc;

use super::command::ParseError;
use crate::{
    api::{DecisionKind, FlinkApplicationStatus, FlinkRollout},
    rollout::DecisionRefusal,
};

/// The answer to something typed or clicked.
pub(super) type Reply = Result<String, Refused>;

/// Why something typed or clicked is refused.
#[derive(Debug)]
pub(super) enum Refused {
    NotUnderstood(ParseError),
    UnknownApplication {
        name: String,
        nearest: Option<String>,
    },
    /// Several namespaces have an application of this name.
    AmbiguousApplication {
        name: String,
    },
    UnknownRollout {
        name: String,
    },
    /// Several namespaces have a rollout of this name.
    AmbiguousRollout {
        name: String,
        namespaces: Vec<String>,
    },
    /// The application does not offer this version. The core says why.
    UnknownVersion {
        problem: String,
    },
    /// Whoever asks for a rollout does not approve it.
    OwnRollout,
    /// Slack's answer about its groups is missing or too old.
    GroupsNotKnown,
    NotPermitted {
        right: Right,
        groups: Vec<String>,
    },
    /// The one rule of the core does not allow this decision now.
    NotNow {
        rollout: Arc<FlinkRollout>,
        decision: DecisionKind,
        refusal: DecisionRefusal,
    },
    ApprovedBySamePerson {
        rollout: String,
    },
    /// The active rollout cannot be turned back now.
    NotTurnedBack {
        rollout: Arc<FlinkRollout>,
        refusal: DecisionRefusal,
    },
    /// An active rollout goes back to its own restore point, and to no other.
    RewindOfActive {
        rollout: String,
        application: String,
    },
    /// No restore point is known from before the revision that runs.
    NothingToRewindTo {
        application: String,
        status: Box<FlinkApplicationStatus>,
        deployed_by_lockkeeper: bool,
    },
    /// The button belongs to an earlier rollout of the same name.
    OtherRollout {
        rollout: String,
    },
    /// The ended rollout has no such choice.
    NotOffered {
        rollout: String,
    },
    /// Kubernetes will not take the write.
    WriteRejected {
        reason: String,
    },
    /// Somebody else wrote at the same moment.
    WriteConflict,
    /// Kubernetes did not answer, so that the write may have happened or not.
    WriteNotAnswered,
}

/// What an application lets only some people do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    Deploy,
    Approve,
}
