//! `cargo xtask test`: every check that a change must pass. CI runs the same command.

mod cargo_deny;
mod table;

use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::command;
use crate::paths::Paths;
use crate::sandbox::{self, OwnCluster, Running, UpOptions};
use table::{StepResult, Table};

/// The tests of the package `lockkeeper` that start no pods from the sample application's images.
const WITHOUT_A_NODE: &str = "--package lockkeeper --lib --bins --test manifests --test tidy --test charts --test api_server -- --skip bad_flink:: --skip drift::";

/// Checks format, lints and licences, and runs all tests with a sandbox.
#[derive(clap::Args)]
pub struct Arguments {
    /// Install missing Debian packages without asking.
    #[arg(long, short)]
    yes: bool,
    /// Run only these tests. `health` takes about 25 minutes, and is no part of the tests of every change.
    only: Option<Only>,
}

/// Tests that are run on demand.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Only {
    /// Events that are normal in a cluster, on the real cluster.
    Health,
}

/// Runs every step, also after a failed one, and prints a table. The exit code is 0 only if all steps passed.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let paths = Paths::for_this_checkout()?;
    if let Some(only) = arguments.only {
        return run_on_demand(&paths, only, arguments.yes);
    }
    // Compiling cargo-deny takes minutes, so it runs in the background.
    let deny = cargo_deny::CargoDeny::install(&paths)?;
    let mut table = Table::default();
    table.step("format", || run_cargo(&paths, ["fmt", "--all", "--check"]));
    table.step("lints", || run_cargo(&paths, ["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]));
    table.step("sandbox's Go code", || test_go(&paths));
    table.step("sample job's Java code", || test_java(&paths));
    let started = Instant::now();
    let options = UpOptions { ends_with_caller: true, ..UpOptions::from_environment(arguments.yes) };
    match sandbox::up(&paths, options) {
        Ok(running) => {
            table.add("sandbox up", StepResult::Passed, started.elapsed());
            table.step("tests", || run_tests(&paths, &running));
            if !running.is_reused {
                table.step("sandbox down", || {
                    drop(running);
                    sandbox::down(&paths)
                });
            }
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            table.add("sandbox up", StepResult::Failed, started.elapsed());
            table.add("tests", StepResult::Skipped, Duration::ZERO);
        }
    }
    table.step("licences and sources", || deny.check(&paths));
    println!("\n{table}");
    Ok(if table.all_passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs tests that [`run`] leaves out, in a sandbox.
fn run_on_demand(paths: &Paths, only: Only, yes: bool) -> Result<ExitCode> {
    let Only::Health = only;
    if let Some(cluster) = OwnCluster::from_environment()? {
        cluster.refuse("`cargo xtask test health`")?;
    }
    let options = UpOptions { ends_with_caller: true, ..UpOptions::from_environment(yes) };
    let running = sandbox::up(paths, options)?;
    let tests = run_cargo_test(paths, &running, "--package lockkeeper --test cluster -- --include-ignored health::");
    if !running.is_reused {
        drop(running);
        sandbox::down(paths)?;
    }
    tests.map(|()| ExitCode::SUCCESS)
}

fn run_cargo<I: AsRef<OsStr>>(paths: &Paths, arguments: impl IntoIterator<Item = I>) -> Result<()> {
    run_check(command::cargo_command(&paths.checkout).args(arguments))
}

fn test_go(paths: &Paths) -> Result<()> {
    let mut go = Command::new("go");
    go.current_dir(paths.kubernetes()).env("CGO_ENABLED", "0").env("GOFLAGS", "-mod=readonly").env("GOWORK", "off");
    // cmd/kube is left out: a test would compile all of Kubernetes again.
    run_check(go.args(["test", "./internal/...", "./cmd/node", "./cmd/pause"]))
}

fn test_java(paths: &Paths) -> Result<()> {
    let mut maven = Command::new("mvn");
    run_check(maven.args(["--batch-mode", "--quiet", "test"]).current_dir(paths.checkout.join("sandbox/job")))
}

fn run_tests(paths: &Paths, running: &Running) -> Result<()> {
    if !running.info.own_cluster {
        return run_cargo_test(paths, running, "--workspace");
    }
    eprintln!(
        "tests/cluster is skipped, and so are bad_flink and drift of tests/api_server: the nodes of your cluster have neither the sample application's images nor a folder \
         that this machine sees too. Without LOCKKEEPER_KUBECONFIG they run in a sandbox on this machine."
    );
    // Cargo can select test binaries, but cannot exclude one.
    let others = run_cargo_test(paths, running, "--workspace --exclude lockkeeper");
    let ours = run_cargo_test(paths, running, WITHOUT_A_NODE);
    others.and(ours)
}

fn run_cargo_test(paths: &Paths, running: &Running, which: &str) -> Result<()> {
    let mut cargo = command::cargo_command(&paths.checkout);
    cargo.args(["test", "--no-fail-fast"]).args(which.split(' '));
    // The scenarios mostly wait, so three of them run in parallel even on a small machine.
    if env::var_os("RUST_TEST_THREADS").is_none() {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        cargo.env("RUST_TEST_THREADS", cores.max(3).to_string());
    }
    run_check(cargo.envs(environment(&running.file, &running.info.kubectl, &running.info.helm)))
}

/// The variables by which the tests find the sandbox.
fn environment<'a>(file: &'a Path, kubectl: &'a Path, helm: &'a Path) -> [(&'static str, &'a Path); 3] {
    [("LOCKKEEPER_SANDBOX", file), ("LOCKKEEPER_KUBECTL", kubectl), ("LOCKKEEPER_HELM", helm)]
}

fn run_check(tool: &Command) -> Result<()> {
    if !command::run_visible(tool)? {
        bail!("the step failed; see its output above");
    }
    Ok(())
}
