//! `cargo xtask manifests`: writes what is generated from the Rust types.

use std::{fs, process::ExitCode};

use anyhow::{Result, bail};

use crate::command;
use crate::places::Places;

/// Writes manifests/crds.yaml.
pub fn run() -> Result<ExitCode> {
    let places = Places::of_this_checkout()?;
    let mut cargo = command::cargo(&places.checkout);
    cargo.args(["run", "--quiet", "--package", "lockkeeper", "--", "crds"]);
    let output = cargo.output()?;
    if !output.status.success() {
        bail!("the definitions could not be printed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    fs::write(places.checkout.join("manifests/crds.yaml"), output.stdout)?;
    Ok(ExitCode::SUCCESS)
}
