//! Runs programs that end together with this process, even after `kill -9`.
//!
//! A guard process, another xtask, stands between this process and the program. The guard reads a pipe from this process,
//! and the kernel closes that pipe when this process ends. The guard is also a child subreaper: the kernel makes it the
//! parent of orphans, so it can end everything that the program started.

use std::fs;
use std::io::{self, Read};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{sleep, spawn};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpgrp, getpid, kill_process, set_child_subreaper, wait};

/// How long the program may take to end after SIGINT, before it is killed.
const GRACE_PERIOD: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(20);
/// How many times the guard checks whether its starter ended too, after the program failed.
const STARTER_POLLS: u32 = 50;

/// Whether the process that started the guard has ended.
static STARTER_ENDED: AtomicBool = AtomicBool::new(false);

/// The command line of the guard process: `xtask guard PROGRAM ARGUMENT...`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The process group of the program, so that Ctrl-C reaches the program and not the guard.
    #[arg(long)]
    group: i32,
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<std::ffi::OsString>,
}

/// Returns a command that runs the program under a guard. The guard uses the standard input.
pub fn wrap(program: &Command) -> Command {
    // This path works even if the file was replaced: `cargo test` builds xtask too.
    let mut guard = Command::new("/proc/self/exe");
    guard.args(["guard", "--group"]).arg(getpgrp().as_raw_nonzero().to_string()).arg("--");
    guard.arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => guard.env(name, value),
            None => guard.env_remove(name),
        };
    }
    if let Some(folder) = program.get_current_dir() {
        guard.current_dir(folder);
    }
    std::os::unix::process::CommandExt::process_group(&mut guard, 0);
    guard.stdin(Stdio::piped());
    guard
}

/// Waits for a guard to end. [`Child::wait`] would close its standard input first, and so end the program.
pub fn wait_for(mut guard: Child) -> io::Result<std::process::ExitStatus> {
    let pipe = guard.stdin.take();
    let status = guard.wait();
    drop(pipe);
    status
}

/// Runs a program until it ends or standard input closes. In the second case everything that it started is ended too.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    set_child_subreaper(Some(getpid())).context("this process cannot take over the orphans of what it starts")?;
    let mut program = Command::new(&arguments.words[0]);
    program.args(&arguments.words[1..]).stdin(Stdio::null());
    std::os::unix::process::CommandExt::process_group(&mut program, arguments.group);
    let program = program.spawn().with_context(|| format!("`{}` cannot be started", arguments.words[0].display()))?;
    spawn(end_when_input_closes);
    reap(i32::try_from(program.id()).ok().and_then(Pid::from_raw))
}

/// Reaps every process that ends. Returns when the program has ended, or after an interruption when all processes have.
fn reap(program: Option<Pid>) -> Result<ExitCode> {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((ended, status))) if Some(ended) == program => {
                if !was_interrupted(status) {
                    return Ok(exit_code(status));
                }
                spawn(kill_children);
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::CHILD) => return Ok(ExitCode::FAILURE),
            Err(error) => return Err(error).context("cannot wait for the program"),
        }
    }
}

/// Whether the program was ended from outside.
///
/// Ctrl-C ends the program and the starter at the same time, but the guard notices the end of the starter a moment later.
/// So it waits a moment after a program failed.
fn was_interrupted(status: WaitStatus) -> bool {
    let starter_ended = || STARTER_ENDED.load(Ordering::SeqCst);
    let failed = status.exit_status() != Some(0);
    let starter_ends_soon = || {
        (0..STARTER_POLLS).any(|_| {
            sleep(POLL);
            starter_ended()
        })
    };
    starter_ended() || status.terminating_signal().is_some() || (failed && starter_ends_soon())
}

/// The exit code as a shell reports it: 128 + signal for a program that a signal ended.
fn exit_code(status: WaitStatus) -> ExitCode {
    let code = status.exit_status().or_else(|| status.terminating_signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Waits until standard input closes, then sends SIGINT to every child, and SIGKILL after the grace period.
fn end_when_input_closes() {
    // Nobody writes to it, so a read returns only when it closes.
    let _ = io::stdin().read(&mut [0]);
    STARTER_ENDED.store(true, Ordering::SeqCst);
    signal_children(Signal::INT);
    sleep(GRACE_PERIOD);
    kill_children();
}

/// Kills children for ever: each killed child leaves its own children to us. `reap` ends the process when none is left.
fn kill_children() {
    loop {
        signal_children(Signal::KILL);
        sleep(POLL);
    }
}

fn signal_children(signal: Signal) {
    for child in list_children() {
        // The child may have ended already.
        let _ = kill_process(child, signal);
    }
}

fn list_children() -> Vec<Pid> {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().filter_map(Result::ok);
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let pids = |list: String| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<i32>>();
    lists.flat_map(pids).filter_map(Pid::from_raw).collect()
}
