//! The process that holds the sandbox: started detached, found again by its lock, ended for certain.

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
use crate::places::Places;

const POLL: Duration = Duration::from_millis(50);
/// How long the kernel may take to end everything in the namespaces.
const END_DEADLINE: Duration = Duration::from_secs(30);

/// What the sandbox says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Report {
    /// What it waits for, in words.
    pub phase: String,
    /// Whether pods can run.
    pub ready: bool,
    /// What ended it; empty while it runs.
    #[serde(default)]
    pub error: String,
}

/// Starts the sandbox in a session of its own. It ends when the other end of its standard input is closed, which the
/// kernel does at the end of whoever holds the `Child`, unless it is released before.
pub fn start(places: &Places, kubernetes: &Kubernetes) -> Result<Child> {
    let log = places.state.join("run.log");
    let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let errors = output.try_clone().with_context(|| format!("cannot write {}", log.display()))?;
    // An old report must not be taken for the new sandbox's.
    forget(&progress_file(places))?;
    let mut node = Command::new(&kubernetes.node);
    node.args(["run", "--cgroup", &places.name, "--state"]).arg(&places.state).arg("--kube").arg(&kubernetes.kube);
    node.current_dir(&places.state).stdin(Stdio::piped()).stdout(output).stderr(errors);
    node.spawn().with_context(|| format!("`{}` cannot be started", kubernetes.node.display()))
}

/// Lets the sandbox outlive this process.
pub fn release(sandbox: &mut Child) -> Result<()> {
    let Some(mut input) = sandbox.stdin.take() else { return Ok(()) };
    input.write_all(b"\n").context("the sandbox has ended")
}

/// Whether any process of the sandbox lives. Each of them holds the lock, directly or through the one that does.
pub fn lives(places: &Places) -> Result<bool> {
    let path = lock_file(places);
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

/// What the sandbox says about itself, if it has said anything yet.
pub fn report(places: &Places) -> Result<Option<Report>> {
    let path = progress_file(places);
    match fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text).map(Some).with_context(|| format!("{} is damaged", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Ends the sandbox and waits until its last process is gone. Nothing happens if none lives.
pub fn end(places: &Places) -> Result<()> {
    let deadline = Instant::now() + END_DEADLINE;
    while lives(places)? {
        kill_holder(places)?;
        if Instant::now() > deadline {
            bail!(
                "the sandbox does not end: a process still holds {} after {} s. `fuser -v` on that file names it",
                lock_file(places).display(),
                END_DEADLINE.as_secs()
            );
        }
        sleep(POLL);
    }
    Ok(())
}

/// Kills the process that the lock names. The lock is held, so the name is that of a living process of this sandbox or
/// of one whose namespaces are just ending; a process that took over the number is told apart by what it runs.
fn kill_holder(places: &Places) -> Result<()> {
    let path = lock_file(places);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let Some(pid) = text.trim().parse().ok().and_then(Pid::from_raw) else { return Ok(()) };
    // The handle stays that of this very process, whatever happens to its number.
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return Ok(()) };
    if !runs_this_sandbox(pid, places) {
        return Ok(());
    }
    match pidfd_send_signal(process, Signal::KILL) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => {
            Err(error).with_context(|| format!("the sandbox's process {} cannot be ended", pid.as_raw_nonzero()))
        }
    }
}

fn runs_this_sandbox(pid: Pid, places: &Places) -> bool {
    let Ok(line) = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())) else { return false };
    let words: Vec<_> = line.split(|byte| *byte == 0).collect();
    words.contains(&b"run".as_slice()) && words.contains(&places.state.as_os_str().as_encoded_bytes())
}

fn forget(path: &PathBuf) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

fn lock_file(places: &Places) -> PathBuf {
    places.state.join("run.lock")
}

fn progress_file(places: &Places) -> PathBuf {
    places.state.join("progress.json")
}
