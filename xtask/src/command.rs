//! Runs other programs so that a failure says which, and what it said last. Those that take long end with this one.

use std::env;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

use crate::tied;

/// How much of a failed program's output is shown.
const TAIL_LINES: usize = 20;

/// The cargo that runs xtask, not another one that may be on the path, in this folder.
///
/// What it tells xtask about xtask's own package is taken away: ring's build script would be run again for it, and half of
/// the project compiled again, each time after a cargo that was started by hand.
pub fn cargo(folder: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let ours = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(ours)) {
        cargo.env_remove(name);
    }
    cargo.current_dir(folder);
    cargo
}

/// Runs to the end and returns what went to standard output, without the white space around it.
pub fn output(command: &mut Command) -> Result<String> {
    let done = command.stdin(Stdio::null()).output().with_context(|| cannot_start(command))?;
    if !done.status.success() {
        bail!("`{}` failed ({}):\n{}", shown(command), done.status, both(&done));
    }
    Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

/// Runs to the end with all output in a file; a failure shows the end of it.
pub fn logged(command: &Command, log: &Path) -> Result<()> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let second = file.try_clone().with_context(|| format!("cannot write {}", log.display()))?;
    let tied = tied::command(command).stdout(file).stderr(second).spawn();
    let status = tied.and_then(tied::wait_for).with_context(|| cannot_start(command))?;
    if !status.success() {
        let text = fs::read_to_string(log).unwrap_or_default();
        bail!("`{}` failed ({status}). The end of {}:\n{}", shown(command), log.display(), tail(&text));
    }
    Ok(())
}

/// Runs to the end with the caller's own terminal, and says whether it succeeded.
pub fn visible(command: &Command) -> Result<bool> {
    let tied = tied::command(command).spawn();
    tied.and_then(tied::wait_for).map(|status| status.success()).with_context(|| cannot_start(command))
}

fn cannot_start(command: &Command) -> String {
    format!("`{}` cannot be started", command.get_program().display())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn both(done: &Output) -> String {
    tail(&format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr)))
}

fn tail(text: &str) -> String {
    let lines: Vec<_> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_program_and_shows_what_it_said() {
        let error = output(Command::new("sh").args(["-c", "echo why >&2; exit 3"])).unwrap_err().to_string();
        assert!(error.contains("`sh -c") && error.contains("exit status: 3") && error.ends_with("why"), "{error}");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = output(&mut Command::new("no-such-program")).unwrap_err();
        assert_eq!(error.to_string(), "`no-such-program` cannot be started");
    }

    #[test]
    fn only_the_end_of_a_long_output_is_shown() {
        let text = (0..100).map(|line| line.to_string()).collect::<Vec<_>>().join("\n");
        assert!(tail(&text).starts_with("80\n"));
        assert!(tail(&text).ends_with("99"));
    }
}
