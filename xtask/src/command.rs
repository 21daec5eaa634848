//! Runs other programs. An error names the program and shows the end of its output.
//!
//! Programs that may run for long end together with this process, see [`process_guard`].

use std::env;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

use crate::process_guard;

/// How many lines of a failed program's output are shown.
const MAX_LINES: usize = 20;

/// The cargo that runs xtask, started in `folder`. Another cargo may be on the path.
///
/// Cargo sets variables about xtask's own package. They are removed, because ring's build script depends on them: it would
/// run again, and half of the project would be compiled again.
pub fn cargo_command(folder: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let about_xtask = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(about_xtask)) {
        cargo.env_remove(name);
    }
    cargo.current_dir(folder);
    cargo
}

/// Runs a program and returns its standard output, trimmed.
pub fn read_output(command: &mut Command) -> Result<String> {
    let done = command.stdin(Stdio::null()).output().with_context(|| start_error(command))?;
    if !done.status.success() {
        bail!("`{}` failed ({}):\n{}", command_line(command), done.status, output_tail(&done));
    }
    Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

/// Runs a program with its output in a log file. An error shows the end of the log.
pub fn run_logged(command: &Command, log: &Path) -> Result<()> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let second = file.try_clone().with_context(|| format!("cannot write {}", log.display()))?;
    let guard = process_guard::wrap(command).stdout(file).stderr(second).spawn();
    let status = guard.and_then(process_guard::wait_for).with_context(|| start_error(command))?;
    if !status.success() {
        let text = fs::read_to_string(log).unwrap_or_default();
        bail!("`{}` failed ({status}). The end of {}:\n{}", command_line(command), log.display(), last_lines(&text));
    }
    Ok(())
}

/// Runs a program with the caller's terminal. Returns whether it succeeded.
pub fn run_visible(command: &Command) -> Result<bool> {
    let guard = process_guard::wrap(command).spawn();
    guard.and_then(process_guard::wait_for).map(|status| status.success()).with_context(|| start_error(command))
}

fn start_error(command: &Command) -> String {
    format!("`{}` cannot be started", command.get_program().display())
}

fn command_line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn output_tail(done: &Output) -> String {
    last_lines(&format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr)))
}

fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(MAX_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_program_and_shows_its_output() {
        let error = read_output(Command::new("sh").args(["-c", "echo why >&2; exit 3"])).unwrap_err().to_string();
        assert!(error.contains("`sh -c") && error.contains("exit status: 3") && error.ends_with("why"), "{error}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = read_output(&mut Command::new("no-such-program")).unwrap_err();
        assert_eq!(error.to_string(), "`no-such-program` cannot be started");
    }

    #[test]
    fn only_the_end_of_a_long_output_is_shown() {
        let text = (0..100).map(|line| line.to_string()).collect::<Vec<_>>().join("\n");
        assert!(last_lines(&text).starts_with("80\n"));
        assert!(last_lines(&text).ends_with("99"));
    }
}
