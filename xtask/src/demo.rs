//! `cargo xtask demo`: runs examples/demo.rs in a sandbox.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Result, bail};

use crate::{
    command,
    paths::Paths,
    sandbox::{self, UpOptions},
};

/// One rollout and one rollback by Slack commands, in a sandbox.
#[derive(clap::Args)]
pub struct Arguments {
    /// Install missing Debian packages without asking.
    #[arg(long, short)]
    yes: bool,
    /// End after the last rollout, remove everything, and exit with 0 only if the demo succeeded.
    #[arg(long)]
    exit: bool,
    /// Write the table and the threads to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Starts the sandbox unless it runs, runs the demo, and ends a sandbox that it started.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let paths = Paths::for_this_checkout()?;
    if let Some(cluster) = sandbox::OwnCluster::from_environment()? {
        cluster.refuse("the demo")?;
    }
    let running =
        sandbox::up(&paths, UpOptions { ends_with_caller: true, ..UpOptions::from_environment(arguments.yes) })?;
    let mut cargo = command::cargo_command(&paths.checkout);
    cargo.args(["run", "--quiet", "--package", "lockkeeper", "--example", "demo", "--"]);
    cargo.env("LOCKKEEPER_SANDBOX", &running.file);
    if arguments.exit {
        cargo.arg("--exit");
    }
    if let Some(file) = &arguments.json {
        cargo.arg("--json").arg(std::path::absolute(file)?);
    }
    let succeeded = command::run_visible(&cargo)?;
    if !running.is_reused {
        drop(running);
        sandbox::down(&paths)?;
    }
    if !succeeded {
        bail!("the demo failed; its output above says why");
    }
    Ok(ExitCode::SUCCESS)
}
