//! The stages of a rollout.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The stages of a rollout.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash, JsonSchema)]
pub enum Stage {
    /// Take the claim, read what runs, render the chart, and check the result.
    #[default]
    Plan,
    /// Wait for approvals.
    Approve,
    /// Stop the job with a savepoint.
    Savepoint,
    /// Scale to zero and wait until no pod is left.
    Stop,
    /// Delete the HA metadata.
    #[serde(rename = "ClearHA")]
    ClearHa,
    /// Write and start the target.
    Deploy,
    /// Write and start what ran before.
    Restore,
    /// Prove that the job was restored from its start state and runs.
    Verify,
    /// Watch the job.
    Monitor,
}

impl Stage {
    /// Whether the plan of the rollout can still be approved or rejected.
    #[must_use]
    pub fn is_before_approval(self) -> bool {
        match self {
            Self::Plan | Self::Approve => true,
            Self::Savepoint
            | Self::Stop
            | Self::ClearHa
            | Self::Deploy
            | Self::Restore
            | Self::Verify
            | Self::Monitor => false,
        }
    }

    /// Whether the job has not been stopped in this stage or an earlier one.
    #[must_use]
    pub fn is_before_stop(self) -> bool {
        self.is_before_approval() || self == Self::Savepoint
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plan => "Plan",
            Self::Approve => "Approve",
            Self::Savepoint => "Savepoint",
            Self::Stop => "Stop",
            Self::ClearHa => "Clear HA",
            Self::Deploy => "Deploy",
            Self::Restore => "Restore",
            Self::Verify => "Verify",
            Self::Monitor => "Monitor",
        })
    }
}
