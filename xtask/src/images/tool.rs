//! Running the machine's own tools.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Runs a tool to its end; what it said is shown only if it failed.
pub(super) fn run(command: &mut Command, purpose: &str) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("cannot start {program}, which is needed for {purpose}; install it first"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said.lines().collect();
    let last = lines[lines.len().saturating_sub(20)..].join("\n");
    bail!("{purpose} failed: {program} ended with {}. Its last words:\n{last}", output.status)
}

/// The home of the JDK whose `jlink` is used: `JAVA_HOME`, or else that of the `jlink` on the path.
pub(super) fn java_home() -> Result<PathBuf> {
    if let Some(home) = std::env::var_os("JAVA_HOME").map(PathBuf::from)
        && home.join("jmods").is_dir()
    {
        return Ok(home);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .filter_map(|folder| folder.join("jlink").canonicalize().ok())
        .filter_map(|jlink| Some(jlink.parent()?.parent()?.to_owned()))
        .find(|home| home.join("jmods").is_dir())
        .context("no JDK with jlink and its jmods folder was found; install a JDK 17 or set JAVA_HOME to one")
}
