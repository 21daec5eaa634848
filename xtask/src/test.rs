//! `cargo xtask test`: everything that must be right before a change is taken, as CI runs it.

mod deny;
mod table;

use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::command;
use crate::places::Places;
use crate::sandbox::{self, Running, UpOptions};
use table::{Outcome, Table};

/// Everything of the package `lockkeeper` but what starts pods of the sample application's images.
const WITHOUT_A_NODE: &str =
    "--package lockkeeper --lib --bins --test manifests --test api_server -- --skip bad_flink:: --skip drift::";

/// Format, lints, licences and all tests, with a sandbox around the tests.
#[derive(clap::Args)]
pub struct Arguments {
    /// Install missing Debian packages without asking.
    #[arg(long, short)]
    yes: bool,
}

/// Runs every step, also after one that failed, and closes with a table. The exit code says whether all went well.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let places = Places::of_this_checkout()?;
    // Compiling cargo-deny takes minutes, so it goes on beside everything else.
    let deny = deny::Deny::install(&places)?;
    let mut table = Table::default();
    table.step("format", || cargo(&places, ["fmt", "--all", "--check"]));
    table.step("lints", || cargo(&places, ["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]));
    table.step("sandbox's Go code", || go(&places));
    table.step("sample job's Java code", || java(&places));
    let started = Instant::now();
    let options = UpOptions { tied: true, ..UpOptions::from_environment(arguments.yes) };
    match sandbox::up(&places, options) {
        Ok(running) => {
            table.add("sandbox up", Outcome::Passed, started.elapsed());
            table.step("tests", || tests(&places, &running));
            if !running.was_up {
                table.step("sandbox down", || {
                    drop(running);
                    sandbox::down(&places)
                });
            }
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            table.add("sandbox up", Outcome::Failed, started.elapsed());
            table.add("tests", Outcome::Skipped, Duration::ZERO);
        }
    }
    table.step("licences and sources", || deny.check(&places));
    println!("\n{table}");
    Ok(if table.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn cargo<I: AsRef<OsStr>>(places: &Places, arguments: impl IntoIterator<Item = I>) -> Result<()> {
    check(command::cargo(&places.checkout).args(arguments))
}

fn go(places: &Places) -> Result<()> {
    let mut go = Command::new("go");
    go.current_dir(places.kubernetes()).env("CGO_ENABLED", "0").env("GOFLAGS", "-mod=readonly").env("GOWORK", "off");
    // Without cmd/kube, whose every import would be compiled again for the test.
    check(go.args(["test", "./internal/...", "./cmd/node", "./cmd/pause"]))
}

fn java(places: &Places) -> Result<()> {
    let mut maven = Command::new("mvn");
    check(maven.args(["--batch-mode", "--quiet", "test"]).current_dir(places.checkout.join("sandbox/job")))
}

fn tests(places: &Places, running: &Running) -> Result<()> {
    if !running.info.own_cluster {
        return test(places, running, "--workspace");
    }
    eprintln!(
        "tests/cluster is skipped, and so are bad_flink and drift of tests/api_server: the nodes of your cluster have neither the sample application's images nor a folder \
         that this machine sees too. Without LOCKKEEPER_KUBECONFIG they run in a sandbox on this machine."
    );
    // Cargo can name test binaries to run, but none to leave out.
    let others = test(places, running, "--workspace --exclude lockkeeper");
    let ours = test(places, running, WITHOUT_A_NODE);
    others.and(ours)
}

fn test(places: &Places, running: &Running, which: &str) -> Result<()> {
    let mut cargo = command::cargo(&places.checkout);
    cargo.args(["test", "--no-fail-fast"]).args(which.split(' '));
    // The scenarios wait more than they compute: three of them go side by side on a small machine.
    if env::var_os("RUST_TEST_THREADS").is_none() {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        cargo.env("RUST_TEST_THREADS", cores.max(3).to_string());
    }
    check(cargo.envs(environment(&running.file, &running.info.kubectl, &running.info.helm)))
}

/// How the tests find the sandbox.
fn environment<'a>(file: &'a Path, kubectl: &'a Path, helm: &'a Path) -> [(&'static str, &'a Path); 3] {
    [("LOCKKEEPER_SANDBOX", file), ("LOCKKEEPER_KUBECTL", kubectl), ("LOCKKEEPER_HELM", helm)]
}

fn check(tool: &Command) -> Result<()> {
    if !command::visible(tool)? {
        bail!("it said above what is wrong");
    }
    Ok(())
}
