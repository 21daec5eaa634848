//! Puts images into the sandbox's containerd, each archive once: they stay there from one start to the next.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::command;
use crate::places::Places;

/// Where containerd listens.
#[must_use]
pub fn socket(places: &Places) -> PathBuf {
    places.state.join("containerd.sock")
}

/// Imports the archives that are not there yet; `now` is told about each. An archive's name says its content.
pub fn import(places: &Places, archives: &[PathBuf], now: &dyn Fn(&str)) -> Result<()> {
    // In containerd's own folder: whoever removes the images removes what is known about them.
    let record = places.state.join("containerd/imported.json");
    let mut imported = read(&record)?;
    for archive in archives {
        let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if imported.contains(&name) {
            continue;
        }
        now(&name);
        let mut ctr = Command::new("ctr");
        ctr.arg("--address").arg(socket(places)).args(["--namespace", "k8s.io", "images", "import"]).arg(archive);
        command::output(&mut ctr)?;
        imported.insert(name);
        fs::write(&record, serde_json::to_vec(&imported)?)
            .with_context(|| format!("cannot write {}", record.display()))?;
    }
    Ok(())
}

fn read(record: &Path) -> Result<BTreeSet<String>> {
    match fs::read(record) {
        // Importing once more is harmless, so a damaged record counts as none.
        Ok(text) => Ok(serde_json::from_slice(&text).unwrap_or_default()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", record.display())),
    }
}
