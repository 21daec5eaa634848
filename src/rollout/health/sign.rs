//! The table of signs: what each one means on the way forward and on the way back.
//!
//! A normal event of a cluster is waited out. Parking is the last resort, because it removes the pods that would have recovered.

use strum::{Display, IntoStaticStr, VariantArray};

use crate::{
    api::{Direction, HaltKind},
    cluster::PodSign,
};

/// Something about a start or a watch that is not as it should be at the end.
///
/// The order is the order of judgement: of several signs, the first one names the failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, VariantArray, IntoStaticStr, Display)]
pub(crate) enum Sign {
    ForeignChange,
    RestoreDisproved,
    RunsEmpty,
    OtherJob,
    JobFailed,
    JobEnded,
    JobManagerEndedForGood,
    JobManagerEnded,
    JobRestarted,
    ProbeFailed,
    ImageMissing,
    NoNode,
    PodsNotCreated,
    ImageNotPulled,
    NotConfigured,
    InitContainerEnded,
    TaskManagerEnded,
    SidecarEnded,
    NoReadyJobManager,
    Silence,
    JobNotListed,
    RestoreNotProven,
    TasksInitializing,
    TasksNotRunning,
    LowerParallelism,
    CheckpointInProgress,
    CheckpointsMissing,
    ProbeSilent,
}

/// What a sign means while it is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It fails the version at the first look.
    FailsAtOnce,
    /// It fails the version if it comes again more often than allowed.
    FailsIfRepeated,
    /// It is waited out until the deadline, and shown.
    Waits,
}

/// What is done once a sign has failed the version, or is still there at the end of the wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The rollout goes back; without automatic rollback it halts.
    TurnBack,
    /// The previous version is parked at 0 replicas.
    Park,
    /// It is parked if the `JobManager` ended again and again with the same cause. Otherwise it is left as it is, and the rollout halts.
    ParkIfRepeated,
    /// The rollout halts, and everything is left as it is.
    Halt(HaltKind),
    /// Nothing: other signs decide.
    Nothing,
}

/// What a sign means while it is seen.
#[must_use]
pub(crate) fn meaning(sign: Sign, direction: Direction) -> Meaning {
    use Meaning::{FailsAtOnce, FailsIfRepeated, Waits};
    let (forward, back) = match sign {
        Sign::ForeignChange | Sign::RestoreDisproved | Sign::RunsEmpty | Sign::OtherJob => (FailsAtOnce, FailsAtOnce),
        Sign::JobFailed | Sign::JobEnded | Sign::JobManagerEndedForGood | Sign::ImageMissing => (FailsAtOnce, Waits),
        Sign::JobManagerEnded => (FailsIfRepeated, Waits),
        Sign::JobRestarted | Sign::ProbeFailed => (FailsIfRepeated, FailsIfRepeated),
        Sign::NoNode
        | Sign::PodsNotCreated
        | Sign::ImageNotPulled
        | Sign::NotConfigured
        | Sign::InitContainerEnded
        | Sign::TaskManagerEnded
        | Sign::SidecarEnded
        | Sign::NoReadyJobManager
        | Sign::Silence
        | Sign::JobNotListed
        | Sign::RestoreNotProven
        | Sign::TasksInitializing
        | Sign::TasksNotRunning
        | Sign::LowerParallelism
        | Sign::CheckpointInProgress
        | Sign::CheckpointsMissing
        | Sign::ProbeSilent => (Waits, Waits),
    };
    match direction {
        Direction::Forward => forward,
        Direction::Back => back,
    }
}

/// What is done once the sign has failed the version, or is still there at the end of the wait.
#[must_use]
pub(crate) fn end_of_wait(sign: Sign, direction: Direction) -> Verdict {
    use Verdict::{Halt, Nothing, Park, ParkIfRepeated, TurnBack};
    let (forward, back) = match sign {
        Sign::ForeignChange => (Halt(HaltKind::ForeignChange), Halt(HaltKind::ForeignChange)),
        Sign::RestoreDisproved | Sign::RunsEmpty | Sign::OtherJob => (TurnBack, Park),
        Sign::JobFailed | Sign::JobManagerEndedForGood | Sign::JobManagerEnded => (TurnBack, ParkIfRepeated),
        Sign::JobEnded
        | Sign::JobRestarted
        | Sign::ProbeFailed
        | Sign::LowerParallelism
        | Sign::CheckpointInProgress
        | Sign::CheckpointsMissing
        | Sign::ProbeSilent => (TurnBack, Halt(HaltKind::Unhealthy)),
        Sign::ImageMissing
        | Sign::NoNode
        | Sign::PodsNotCreated
        | Sign::ImageNotPulled
        | Sign::NotConfigured
        | Sign::InitContainerEnded
        | Sign::NoReadyJobManager
        | Sign::JobNotListed => (TurnBack, Halt(HaltKind::NotStarted)),
        Sign::TaskManagerEnded | Sign::RestoreNotProven | Sign::TasksInitializing | Sign::TasksNotRunning => {
            (TurnBack, Halt(HaltKind::StartTooSlow))
        }
        Sign::Silence => (Halt(HaltKind::OutOfSight), Halt(HaltKind::OutOfSight)),
        Sign::SidecarEnded => (Nothing, Nothing),
    };
    match direction {
        Direction::Forward => forward,
        Direction::Back => back,
    }
}

impl From<PodSign> for Sign {
    fn from(sign: PodSign) -> Self {
        match sign {
            PodSign::NoNode => Self::NoNode,
            PodSign::NotCreated => Self::PodsNotCreated,
            PodSign::ImageMissing => Self::ImageMissing,
            PodSign::ImageNotPulled => Self::ImageNotPulled,
            PodSign::NotConfigured => Self::NotConfigured,
            PodSign::InitContainerEnded => Self::InitContainerEnded,
            PodSign::SidecarEnded => Self::SidecarEnded,
        }
    }
}

/// A sign that was seen in one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Observed {
    pub(crate) sign: Sign,
    /// What was seen, in words for people.
    pub(crate) text: String,
    /// Whether it came more often than allowed.
    pub(crate) repeated: bool,
}

impl Observed {
    pub(crate) fn once(sign: Sign, text: impl Into<String>) -> Self {
        Self { sign, text: text.into(), repeated: false }
    }

    /// Whether the sign fails the version now.
    pub(crate) fn fails(&self, direction: Direction) -> bool {
        match meaning(self.sign, direction) {
            Meaning::FailsAtOnce => true,
            Meaning::FailsIfRepeated => self.repeated,
            Meaning::Waits => false,
        }
    }
}
