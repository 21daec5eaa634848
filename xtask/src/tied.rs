//! Programs that end with this one, however it ends: `kill -9` leaves none of them behind.
//!
//! Between this process and such a program stands another process of xtask. It learns of our end by the end of its standard
//! input, which the kernel closes for us, and everything that the program starts is its descendant for good: the kernel
//! hands it the orphans.

use std::fs;
use std::io::{self, Read};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{sleep, spawn};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpgrp, getpid, kill_process, set_child_subreaper, wait};

/// How long the program may take to end by itself once it is told to.
const GRACE: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(20);
/// So many times it is looked whether a program that failed was ended together with whoever started it.
const FEW: u32 = 50;

/// Set once the process that started this one is gone.
static ORPHANED: AtomicBool = AtomicBool::new(false);

/// What stands between this process and the program: `xtask tied PROGRAM ARGUMENT...`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The process group that the program belongs to, so that Ctrl-C reaches it and not the one that ends it.
    #[arg(long)]
    group: i32,
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<std::ffi::OsString>,
}

/// The same command with that process in between. Its standard input is taken.
pub fn command(program: &Command) -> Command {
    // Also where the file was replaced meanwhile: `cargo test` builds xtask too.
    let mut tied = Command::new("/proc/self/exe");
    tied.args(["tied", "--group"]).arg(getpgrp().as_raw_nonzero().to_string()).arg("--");
    tied.arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => tied.env(name, value),
            None => tied.env_remove(name),
        };
    }
    if let Some(folder) = program.get_current_dir() {
        tied.current_dir(folder);
    }
    std::os::unix::process::CommandExt::process_group(&mut tied, 0);
    tied.stdin(Stdio::piped());
    tied
}

/// Waits for such a command's end and holds its standard input open until then, which [`Child::wait`] would not.
pub fn wait_for(mut tied: Child) -> io::Result<std::process::ExitStatus> {
    let held = tied.stdin.take();
    let status = tied.wait();
    drop(held);
    status
}

/// Runs a program until it ends or standard input does; then all that it started ends too.
pub fn hold(arguments: &Arguments) -> Result<ExitCode> {
    set_child_subreaper(Some(getpid())).context("this process cannot take over the orphans of what it starts")?;
    let mut program = Command::new(&arguments.words[0]);
    program.args(&arguments.words[1..]).stdin(Stdio::null());
    std::os::unix::process::CommandExt::process_group(&mut program, arguments.group);
    let program = program.spawn().with_context(|| format!("`{}` cannot be started", arguments.words[0].display()))?;
    spawn(end_with_input);
    reap(i32::try_from(program.id()).ok().and_then(Pid::from_raw))
}

/// Reaps every process that ends, until the program has, or, once nobody is left to wait for it, until all have.
fn reap(program: Option<Pid>) -> Result<ExitCode> {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((ended, status))) if Some(ended) == program => {
                if !interrupted(status) {
                    return Ok(code(status));
                }
                spawn(kill_children);
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::CHILD) => return Ok(ExitCode::FAILURE),
            Err(error) => return Err(error).context("what was started cannot be waited for"),
        }
    }
}

/// Whether the program ended because it was to. Ctrl-C ends it and whoever started it at once, and the end of the latter is
/// learned of a moment later: a program that failed is given that moment.
fn interrupted(status: WaitStatus) -> bool {
    let orphaned = || ORPHANED.load(Ordering::SeqCst);
    let failed = status.exit_status() != Some(0);
    let soon = || {
        (0..FEW).any(|_| {
            sleep(POLL);
            orphaned()
        })
    };
    orphaned() || status.terminating_signal().is_some() || (failed && soon())
}

/// As a shell says it.
fn code(status: WaitStatus) -> ExitCode {
    let code = status.exit_status().or_else(|| status.terminating_signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Waits for the end of standard input, then asks every child to end, and kills what did not in time.
fn end_with_input() {
    // Nothing is ever written to it, so whatever is read is its end.
    let _ = io::stdin().read(&mut [0]);
    ORPHANED.store(true, Ordering::SeqCst);
    signal_children(Signal::INT);
    sleep(GRACE);
    kill_children();
}

/// Each that is killed leaves us its own children; the process ends when none is left.
fn kill_children() {
    loop {
        signal_children(Signal::KILL);
        sleep(POLL);
    }
}

fn signal_children(signal: Signal) {
    for child in children() {
        // It may have ended meanwhile.
        let _ = kill_process(child, signal);
    }
}

fn children() -> Vec<Pid> {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().filter_map(Result::ok);
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let pids = |list: String| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<i32>>();
    lists.flat_map(pids).filter_map(Pid::from_raw).collect()
}
