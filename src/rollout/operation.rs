//! Every operation that a rollout records: its intent before the effect, its completion after it.
//!
//! | Operation | Stage | Effect | Undo |
//! |---|---|---|---|
//! | `release-stale-claim` | Plan | releases the claim of a rollout that ended or is gone | none needed: nobody holds it |
//! | `claim` | Plan | claims the application and takes a revision number | `finish` releases it |
//! | `plan` | Plan | bakes and checks the target, writes its revision record | `discard-revision` |
//! | `create-versioned-objects` | Savepoint | creates immutable `ConfigMaps` and Secrets | `discard-revision` |
//! | `stop-with-savepoint` | Savepoint | stops the job with a savepoint | no undo: forward only, or Back from the restore point |
//! | `savepoint-completed` | Savepoint | none: notes when a completed savepoint was seen whose job had not finished in time | none needed |
//! | `hold-job-manager` | Savepoint, halted | stops a `JobManager` whose job has ended for good, so that its old arguments cannot start the old job | a new rollout, or a person who scales it up |
//! | `scale-down-for-checkpoint` | Savepoint | stops the `TaskManagers`, so that no further checkpoint completes | `scale-back-up` |
//! | `no-new-checkpoints` | Savepoint | none: notes when the last `TaskManager` was gone | none needed |
//! | `scale-back-up` | Savepoint | starts the `TaskManagers` again | none needed: it is itself the undo |
//! | `stop-job-manager` | Stop | stops the `JobManager` | direction Back starts the previous version |
//! | `release-job-manager` | Stop | reads the status of the stop, so that a held `JobManager` ends | none needed |
//! | `stop-task-managers` | Stop | stops the `TaskManagers` | direction Back starts the previous version |
//! | `clear-ha` | Clear HA | backs up and deletes the HA metadata | no undo: forward only; the backup is kept |
//! | `apply-objects` | Deploy, Restore | applies all but the two workloads, deletes what only the other revision has, except what has an address | direction Back applies the previous objects |
//! | `write-workloads` | Deploy, Restore | writes both workloads at 0 replicas | direction Back writes the previous templates |
//! | `start` | Deploy, Restore | scales both workloads up | direction Back stops them |
//! | `park-job-manager`, `park-task-managers` | parking | stop what could not be brought back | Resume |
//! | `park-clear-ha` | parking | clears HA metadata | no undo: forward only; the backup is kept |
//! | `park-template` | parking | writes the template with restore point and fresh job id | Resume writes it again |
//! | `delete-addresses` | end | deletes the Services and Ingresses that only the previous version has | no undo: forward only, the new version is proven |
//! | `discard-revision` | end | deletes the record and the copies of a rollout that deployed nothing | no undo: forward only |
//! | `write-history` | end | writes the application's history | no undo: forward only |
//! | `add-finalizer`, `finish` | begin, end | put our finalizer on; release the claim and take the finalizer off | `finish` undoes `add-finalizer` |

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::api::FlinkRolloutStatus;

/// What a rollout does. The name is part of the record and of the operation id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Operation {
    AddFinalizer,
    ReleaseStaleClaim,
    Claim,
    Plan,
    CreateVersionedObjects,
    /// Its recorded intent is the point of no return.
    StopWithSavepoint,
    SavepointCompleted,
    HoldJobManager,
    ScaleDownForCheckpoint,
    NoNewCheckpoints,
    ScaleBackUp,
    StopJobManager,
    ReleaseJobManager,
    StopTaskManagers,
    ClearHa,
    ApplyObjects,
    WriteWorkloads,
    Start,
    ParkJobManager,
    ParkTaskManagers,
    ParkClearHa,
    ParkTemplate,
    DeleteAddresses,
    DiscardRevision,
    WriteHistory,
    Finish,
}

impl Operation {
    /// The name in the record.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether its intent is recorded. The finalizer's own write is its record.
    #[must_use]
    pub fn is_recorded(self) -> bool {
        !matches!(self, Self::AddFinalizer | Self::Finish)
    }
}

/// The name of a recorded operation that this version does not know: another version of Lockkeeper began this rollout.
#[must_use]
pub fn unknown_operation(status: &FlinkRolloutStatus) -> Option<&str> {
    // The key of a record is `direction/attempt/name`.
    let names = status.operations.iter().map(|operation| operation.name.rsplit('/').next().unwrap_or_default());
    names.into_iter().find(|name| name.parse::<Operation>().is_err())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_found_by_its_name_and_stands_in_the_table() {
        let table = include_str!("operation.rs").lines().take_while(|line| line.starts_with("//!"));
        let table: String = table.collect();
        for operation in Operation::VARIANTS {
            assert_eq!(operation.name().parse(), Ok(*operation));
            assert!(table.contains(&format!("`{}`", operation.name())), "{} is not in the table", operation.name());
        }
    }
}
