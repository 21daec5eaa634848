//! Ends this checkout's sandbox.

use std::fs;

use anyhow::Result;

use super::info::Info;
use super::{cgroups, lock_checkout, process};
use crate::paths::Paths;

/// Ends the sandbox in any state and removes its cgroups. Does nothing if the sandbox is down.
pub fn down(paths: &Paths) -> Result<()> {
    if !paths.state.exists() {
        return Ok(());
    }
    let _lock = lock_checkout(paths)?;
    end(paths)
}

/// Ends the sandbox for a caller that holds the lock of [`lock_checkout`].
pub(super) fn end(paths: &Paths) -> Result<()> {
    process::end(paths)?;
    // The file is missing if the sandbox never became ready.
    let _ = fs::remove_file(Info::path(paths));
    cgroups::remove(&paths.name)
}
