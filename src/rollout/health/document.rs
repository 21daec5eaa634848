//! docs/health.md: the tables of signs and halts, in words.

use std::fmt::Write as _;

use strum::VariantArray as _;

use super::sign::{Meaning, Sign, Verdict, end_of_wait, meaning};
use crate::{
    api::{Direction, HaltKind},
    rollout::halts::{ContinuesAfter, MAX_CONTINUATIONS, continues_after},
};

const INTRODUCTION: &str = "\
# What counts as a failure

This page is generated from the Rust types by `cargo xtask manifests`.

Verify and Monitor look for signs. A sign fails a version at once, or only if it comes again, or it is waited out. What is waited for, and
since when, shows on the card and in `status.message`.

The start deadline (`startDeadlineSeconds`) counts from the last progress: a pod that gets a node, its image or Ready, and a task that
reaches its next state. A task that is INITIALIZING without an exception counts as progress. The whole start may take
`startTotalSeconds`.

Where several signs are seen, the one that stands higher in the table names the failure. At the end of a wait, `Silence` decides first:
the other signs may be old, and the job may run all the same.

## Signs

| Sign | What is seen | Forward | At the end | Back | At the end |
|---|---|---|---|---|---|
";

const HALTS: &str = "
Back in Monitor, no sign parks: the previous version has run whole, so it is left running, and the rollout halts as `Unhealthy`.

## Halts

A halted rollout waits for a person. Some kinds also continue by themselves, after a proof. They never do so if `automaticRollback` is
off.

| Kind | Continues by itself |
|---|---|
";

/// The whole page.
#[must_use]
pub fn health_as_markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    for sign in Sign::VARIANTS {
        let cells = [Direction::Forward, Direction::Back].map(|direction| {
            format!(
                "{} | {}",
                describe_meaning(meaning(*sign, direction)),
                describe_verdict(end_of_wait(*sign, direction))
            )
        });
        let _ = writeln!(page, "| `{sign}` | {} | {} |", describe_sign(*sign), cells.join(" | "));
    }
    page.push_str(HALTS);
    for kind in HaltKind::VARIANTS {
        let _ = writeln!(page, "| `{kind}` | {} |", describe_halt(*kind));
    }
    page
}

fn describe_sign(sign: Sign) -> &'static str {
    match sign {
        Sign::ForeignChange => "somebody else changed a pod template after the rollout wrote it",
        Sign::RestoreDisproved => "the job was restored from another state than the start state",
        Sign::RunsEmpty => "every task runs, and nothing was restored",
        Sign::OtherJob => "Flink runs another job than the started one",
        Sign::JobFailed => "the job is FAILED",
        Sign::JobEnded => "the job is FINISHED or CANCELED",
        Sign::JobManagerEndedForGood => {
            "the JobManager's container ended, and its log names a cause that does not go away: state that cannot be mapped, no main class, an unknown option, a configuration that cannot be read, a savepoint that is not there"
        }
        Sign::JobManagerEnded => "the JobManager's container ended for another reason; it fails at the second end",
        Sign::JobRestarted => {
            "the job restarted more often than `restartsAllowed`, or another JobManager recovered it too often"
        }
        Sign::ProbeFailed => "a probe failed more often in a row than `failuresAllowed`",
        Sign::ImageMissing => {
            "the registry says that the image does not exist, or not for this platform, and no pod got it"
        }
        Sign::NoNode => "no node accepts a pod",
        Sign::PodsNotCreated => "pods cannot be created, for example because of a quota",
        Sign::ImageNotPulled => "the image could not be pulled for another reason: 401, 429, 5xx, a time-out",
        Sign::NotConfigured => "a ConfigMap, a Secret or a volume is not as a pod needs it",
        Sign::InitContainerEnded => "an init container ended with an error and is started again",
        Sign::TaskManagerEnded => "a TaskManager's container ended",
        Sign::SidecarEnded => "a container that does not run Flink ended; it is never judged",
        Sign::NoReadyJobManager => "Flink does not answer, and no pod of the JobManager is Ready",
        Sign::Silence => "Flink does not answer, although a pod of the JobManager is Ready",
        Sign::JobNotListed => "Flink answers, but does not list the job",
        Sign::RestoreNotProven => "every task runs, but Flink does not show what was restored",
        Sign::TasksInitializing => "tasks restore their state",
        Sign::TasksNotRunning => "tasks are neither RUNNING nor FINISHED",
        Sign::LowerParallelism => {
            "the adaptive scheduler runs the job at a lower parallelism than before, and TaskManagers are missing; at the deadline the rollout goes on"
        }
        Sign::CheckpointInProgress => "a wanted checkpoint is in progress; it may take until `watchMaxSeconds`",
        Sign::CheckpointsMissing => "fewer checkpoints completed than `checkpointsWanted`",
        Sign::ProbeSilent => "a probe has never answered",
    }
}

fn describe_meaning(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::FailsAtOnce => "fails at once",
        Meaning::FailsIfRepeated => "fails if it comes again",
        Meaning::Waits => "waits",
    }
}

fn describe_verdict(verdict: Verdict) -> String {
    match verdict {
        Verdict::TurnBack => "goes back".to_owned(),
        Verdict::Park => "parked".to_owned(),
        Verdict::ParkIfRepeated => {
            "parked if the JobManager ended again and again with the same cause; else left, halts as `StartTooSlow`"
                .to_owned()
        }
        Verdict::Halt(kind) => format!("left as it is, halts as `{kind}`"),
        Verdict::Nothing => "nothing".to_owned(),
    }
}

fn describe_halt(kind: HaltKind) -> String {
    let once = match continues_after(kind) {
        ContinuesAfter::Decision => return "no".to_owned(),
        ContinuesAfter::PodsGone => "no pod of either workload is left",
        ContinuesAfter::ApiServerAnswers => "the API server has answered for a minute",
        ContinuesAfter::JobRunsWhole => "Flink shows that every task runs",
    };
    format!("once {once}, at most {MAX_CONTINUATIONS} times")
}
