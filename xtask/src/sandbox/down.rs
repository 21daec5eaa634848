//! Ends this checkout's sandbox.

use std::fs;

use anyhow::Result;

use super::info::Info;
use super::{cgroups, exclusive, process};
use crate::places::Places;

/// Ends the sandbox, whatever state it is in, and removes what the kernel leaves behind. Nothing happens if it is down.
pub fn down(places: &Places) -> Result<()> {
    if !places.state.exists() {
        return Ok(());
    }
    let _lock = exclusive(places)?;
    end(places)
}

/// The same for a caller that already keeps others out.
pub(super) fn end(places: &Places) -> Result<()> {
    process::end(places)?;
    // It may never have been written.
    let _ = fs::remove_file(Info::path(places));
    cgroups::remove(&places.name)
}
