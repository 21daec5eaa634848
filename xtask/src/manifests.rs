//! `cargo xtask manifests`: writes what is generated from the Rust types.

use std::{fs, process::ExitCode};

use anyhow::{Result, bail};

use crate::command;
use crate::paths::Paths;

/// Writes manifests/crds.yaml.
pub fn run() -> Result<ExitCode> {
    let paths = Paths::for_this_checkout()?;
    let mut cargo = command::cargo_command(&paths.checkout);
    cargo.args(["run", "--quiet", "--package", "lockkeeper", "--", "crds"]);
    let output = cargo.output()?;
    if !output.status.success() {
        bail!("`lockkeeper crds` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    fs::write(paths.checkout.join("manifests/crds.yaml"), output.stdout)?;
    Ok(ExitCode::SUCCESS)
}
