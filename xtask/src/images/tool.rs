//! Runs tools of the machine: pip, Maven, jlink, mmdebstrap.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Runs a tool. Its output is shown only if it fails.
pub(super) fn run_tool(command: &mut Command, purpose: &str) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("cannot start {program}, which is needed for {purpose}; install it first"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let last = lines[lines.len().saturating_sub(20)..].join("\n");
    bail!("{purpose} failed: {program} ended with {}. The end of its output:\n{last}", output.status)
}

/// Finds the JDK to link from: `JAVA_HOME`, otherwise the JDK of the `jlink` on the path.
pub(super) fn find_java_home() -> Result<PathBuf> {
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
