//! `cargo xtask demo`: the main job on a real sandbox. The tour itself is examples/demo.rs; here the sandbox is put around it.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Result, bail};

use crate::{
    command,
    places::Places,
    sandbox::{self, UpOptions},
};

/// A real rollout and a real rollback, from Slack commands, on a real sandbox.
#[derive(clap::Args)]
pub struct Arguments {
    /// Install missing Debian packages without asking.
    #[arg(long, short)]
    yes: bool,
    /// End and clean up after the tour, with an exit code that tells.
    #[arg(long)]
    exit: bool,
    /// Write the table and the threads to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Brings the sandbox up, runs the tour, and brings down what it brought up.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let places = Places::of_this_checkout()?;
    if let Some(cluster) = sandbox::Cluster::from_environment()? {
        cluster.refuse("the demo")?;
    }
    let running = sandbox::up(&places, UpOptions { tied: true, ..UpOptions::from_environment(arguments.yes) })?;
    let mut cargo = command::cargo(&places.checkout);
    cargo.args(["run", "--quiet", "--package", "lockkeeper", "--example", "demo", "--"]);
    cargo.env("LOCKKEEPER_SANDBOX", &running.file);
    if arguments.exit {
        cargo.arg("--exit");
    }
    if let Some(file) = &arguments.json {
        cargo.arg("--json").arg(std::path::absolute(file)?);
    }
    let good = command::visible(&cargo)?;
    if !running.was_up {
        drop(running);
        sandbox::down(&places)?;
    }
    if !good {
        bail!("the demo did not go as it must");
    }
    Ok(ExitCode::SUCCESS)
}
