//! Starts, finds and ends the process `node run`, which holds the sandbox. Its lock file names it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::Deserialize;

use super::build::Kubernetes;
use crate::paths::Paths;

const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// How long to wait until the kernel has ended everything in the namespaces.
const END_TIMEOUT: Duration = Duration::from_secs(30);

/// The content of `progress.json`, which the sandbox writes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Report {
    /// What the sandbox waits for, in words.
    pub phase: String,
    /// Whether pods can run.
    pub ready: bool,
    /// Why the sandbox ended. Empty while it runs.
    #[serde(default)]
    pub error: String,
}

/// Starts the sandbox in its own session. It ends when its standard input closes, which happens when the owner of the
/// `Child` ends. After [`detach`] it keeps running.
pub fn start(paths: &Paths, kubernetes: &Kubernetes) -> Result<Child> {
    let log = paths.state.join("run.log");
    let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let errors = output.try_clone().with_context(|| format!("cannot write {}", log.display()))?;
    // An old report would be read as the report of the new sandbox.
    remove_report(&progress_file(paths))?;
    let mut node = Command::new(&kubernetes.node);
    node.args(["run", "--cgroup", &paths.name, "--state"]).arg(&paths.state).arg("--kube").arg(&kubernetes.kube);
    node.current_dir(&paths.state).stdin(Stdio::piped()).stdout(output).stderr(errors);
    node.spawn().with_context(|| format!("`{}` cannot be started", kubernetes.node.display()))
}

/// Lets the sandbox continue when this process ends.
pub fn detach(sandbox: &mut Child) -> Result<()> {
    let Some(mut input) = sandbox.stdin.take() else { return Ok(()) };
    input.write_all(b"\n").context("the sandbox has ended")
}

/// Whether any process of the sandbox runs. The processes hold the lock file, directly or through their parent.
pub fn is_running(paths: &Paths) -> Result<bool> {
    let path = lock_file(paths);
    let lock = match OpenOptions::new().read(true).write(true).open(&path) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    match lock.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

/// Reads the report of the sandbox, if it has written one.
pub fn read_report(paths: &Paths) -> Result<Option<Report>> {
    let path = progress_file(paths);
    match fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text).map(Some).with_context(|| format!("{} is damaged", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Ends the sandbox and waits for its last process. Does nothing if none runs.
pub fn end(paths: &Paths) -> Result<()> {
    let deadline = Instant::now() + END_TIMEOUT;
    while is_running(paths)? {
        kill_holder(paths)?;
        if Instant::now() > deadline {
            bail!(
                "the sandbox does not end: a process still holds {} after {} s. `fuser -v` on that file names it",
                lock_file(paths).display(),
                END_TIMEOUT.as_secs()
            );
        }
        sleep(POLL_INTERVAL);
    }
    Ok(())
}

/// Kills the process that the lock file names.
///
/// The lock is held, so the process runs or its namespaces are just ending. In the second case another process may have
/// the same id by now, so the command line is checked before the kill.
fn kill_holder(paths: &Paths) -> Result<()> {
    let path = lock_file(paths);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let Some(pid) = text.trim().parse().ok().and_then(Pid::from_raw) else { return Ok(()) };
    // A pidfd refers to this process even if its id is used again.
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return Ok(()) };
    if !runs_this_sandbox(pid, paths) {
        return Ok(());
    }
    match pidfd_send_signal(process, Signal::KILL) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => {
            Err(error).with_context(|| format!("the sandbox's process {} cannot be ended", pid.as_raw_nonzero()))
        }
    }
}

fn runs_this_sandbox(pid: Pid, paths: &Paths) -> bool {
    let Ok(line) = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())) else { return false };
    let words: Vec<_> = line.split(|byte| *byte == 0).collect();
    words.contains(&b"run".as_slice()) && words.contains(&paths.state.as_os_str().as_encoded_bytes())
}

fn remove_report(path: &PathBuf) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

fn lock_file(paths: &Paths) -> PathBuf {
    paths.state.join("run.lock")
}

fn progress_file(paths: &Paths) -> PathBuf {
    paths.state.join("progress.json")
}
