//! A command that is killed or interrupted leaves no process behind that it started.

#![allow(clippy::unwrap_used, reason = "helpers of a test fail it")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(60);

/// A tool that replaces cargo. It never ends, and its child has its own session and does not end with it.
const TOOL: &str = r#"#!/bin/sh
setsid sh -c 'echo $$ >> "$PIDS"; sleep 1000 & echo $! >> "$PIDS"; wait' &
echo $$ >> "$PIDS"
wait
"#;

#[test]
fn processes_of_a_killed_command_end_even_in_another_session() {
    assert_everything_ends("killed", |xtask| send_signal(&["-KILL", &xtask.to_string()]));
}

/// A terminal sends the signal to every process of the group at once.
#[test]
fn processes_of_an_interrupted_command_end_even_in_another_session() {
    assert_everything_ends("interrupted", |xtask| send_signal(&["-INT", "--", &format!("-{xtask}")]));
}

fn send_signal(kill: &[&str]) {
    assert!(Command::new("kill").args(kill).status().unwrap().success());
}

fn assert_everything_ends(name: &str, end: impl Fn(u32)) {
    let folder = std::env::temp_dir().join(format!("lockkeeper-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (tool, pids) = (folder.join("cargo"), folder.join("pids"));
    fs::write(&tool, TOOL).unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();

    // A shell starts background jobs with SIGINT ignored, and its children inherit that.
    let mut xtask = Command::new("env");
    xtask
        .args(["--default-signal=INT", env!("CARGO_BIN_EXE_xtask"), "test"])
        .env("LOCKKEEPER_CACHE", folder.join("cache"))
        .env("CARGO", &tool)
        .env("PIDS", &pids);
    xtask.process_group(0);
    let mut xtask = xtask.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // xtask starts two tools: one formats and prints to the terminal, one installs cargo-deny and writes a log.
    wait_until("both tools and their children have begun", || read_pids(&pids).len() == 6);
    end(xtask.id());
    xtask.wait().unwrap();
    wait_until("all of them have ended", || read_pids(&pids).iter().all(|pid| !is_running(pid)));
    fs::remove_dir_all(&folder).unwrap();
}

fn read_pids(pids: &Path) -> Vec<String> {
    fs::read_to_string(pids).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Whether a process runs. An ended process that nobody has waited for still exists, but has no memory.
fn is_running(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/statm")).is_ok_and(|memory| !memory.starts_with("0 "))
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "this did not happen in time: {what}");
        sleep(Duration::from_millis(50));
    }
}
