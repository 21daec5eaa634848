//! `cargo xtask manifests`: writes what is generated from the Rust types.

use std::{fs, process::ExitCode};

use anyhow::{Result, bail};

use crate::command;
use crate::paths::Paths;

/// Each subcommand of the bot that prints a file, and the file.
const GENERATED: [(&str, &str); 3] =
    [("crds", "manifests/crds.yaml"), ("reference", "docs/reference.md"), ("health", "docs/health.md")];

/// Writes manifests/crds.yaml, docs/reference.md and docs/health.md.
pub fn run() -> Result<ExitCode> {
    let paths = Paths::for_this_checkout()?;
    for (subcommand, file) in GENERATED {
        let mut cargo = command::cargo_command(&paths.checkout);
        cargo.args(["run", "--quiet", "--package", "lockkeeper", "--", subcommand]);
        let output = cargo.output()?;
        if !output.status.success() {
            bail!("{file} could not be printed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        fs::write(paths.checkout.join(file), output.stdout)?;
    }
    Ok(ExitCode::SUCCESS)
}
