//! Imports images into the sandbox's containerd. They survive a restart, so each archive is imported once.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::command;
use crate::paths::Paths;

/// The socket of containerd.
#[must_use]
pub fn socket(paths: &Paths) -> PathBuf {
    paths.state.join("containerd.sock")
}

/// Imports the archives that were not imported yet, and calls `show` before each. The name of an archive holds its hash.
pub fn import(paths: &Paths, archives: &[PathBuf], show: &dyn Fn(&str)) -> Result<()> {
    // The record is in containerd's folder, so that it is removed together with the images.
    let record = paths.state.join("containerd/imported.json");
    let mut imported = read_record(&record)?;
    for archive in archives {
        let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if imported.contains(&name) {
            continue;
        }
        show(&name);
        let mut ctr = Command::new("ctr");
        ctr.arg("--address").arg(socket(paths)).args(["--namespace", "k8s.io", "images", "import"]).arg(archive);
        command::read_output(&mut ctr)?;
        imported.insert(name);
        fs::write(&record, serde_json::to_vec(&imported)?)
            .with_context(|| format!("cannot write {}", record.display()))?;
    }
    Ok(())
}

fn read_record(record: &Path) -> Result<BTreeSet<String>> {
    match fs::read(record) {
        // Importing again is harmless, so a damaged record counts as an empty one.
        Ok(text) => Ok(serde_json::from_slice(&text).unwrap_or_default()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", record.display())),
    }
}
