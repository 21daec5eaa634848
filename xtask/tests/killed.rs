//! `kill -9` of a command, or Ctrl-C, leaves no process behind that it started.

#![allow(clippy::unwrap_used, reason = "helpers of a test fail it")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(60);

/// In place of cargo: a tool that never ends, with a child in a session of its own that does not end with it.
const TOOL: &str = r#"#!/bin/sh
setsid sh -c 'echo $$ >> "$PIDS"; sleep 1000 & echo $! >> "$PIDS"; wait' &
echo $$ >> "$PIDS"
wait
"#;

#[test]
fn what_a_killed_command_started_ends_with_it_also_what_left_its_session() {
    everything_ends_with("killed", |xtask| succeeded(&["-KILL", &xtask.to_string()]));
}

/// A terminal sends the signal to every process of the group at once.
#[test]
fn what_an_interrupted_command_started_ends_with_it_also_what_left_its_session() {
    everything_ends_with("interrupted", |xtask| succeeded(&["-INT", "--", &format!("-{xtask}")]));
}

fn succeeded(kill: &[&str]) {
    assert!(Command::new("kill").args(kill).status().unwrap().success());
}

fn everything_ends_with(name: &str, end: impl Fn(u32)) {
    let folder = std::env::temp_dir().join(format!("lockkeeper-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (tool, pids) = (folder.join("cargo"), folder.join("pids"));
    fs::write(&tool, TOOL).unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();

    let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
    xtask.arg("test").env("LOCKKEEPER_CACHE", folder.join("cache")).env("CARGO", &tool).env("PIDS", &pids);
    xtask.process_group(0);
    let mut xtask = xtask.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // Two tools: the one that formats, which shows what it says, and the one that installs cargo-deny, beside it, into a log.
    until("both tools and their children have begun", || noted(&pids).len() == 6);
    end(xtask.id());
    xtask.wait().unwrap();
    until("all of them have ended", || noted(&pids).iter().all(|pid| !lives(pid)));
    fs::remove_dir_all(&folder).unwrap();
}

fn noted(pids: &Path) -> Vec<String> {
    fs::read_to_string(pids).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// A process that has ended and that nobody has asked about has no memory any more.
fn lives(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/statm")).is_ok_and(|memory| !memory.starts_with("0 "))
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "still not so: {what}");
        sleep(Duration::from_millis(50));
    }
}
