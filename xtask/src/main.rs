//! The project's own commands: one module for each.

mod cache;
mod command;
mod demo;
mod hash;
mod images;
mod manifests;
mod paths;
mod process_guard;
mod progress;
mod sandbox;
mod test;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts, ends or shows a Kubernetes with one node on this machine.
    Sandbox(sandbox::Arguments),
    /// Checks format, lints and licences, and runs all tests with a sandbox.
    Test(test::Arguments),
    /// Shows one rollout and one rollback by Slack commands, in a sandbox.
    Demo(demo::Arguments),
    /// Writes manifests/crds.yaml, which is generated from the Rust types.
    Manifests,
    /// Builds the sandbox's images and prints their archives.
    #[command(hide = true)]
    Images,
    /// Runs a program that ends together with the process that started it.
    #[command(hide = true)]
    Guard(process_guard::Arguments),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Sandbox(arguments) => sandbox::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Manifests => manifests::run(),
        Command::Images => build_images().map(|()| ExitCode::SUCCESS),
        Command::Guard(arguments) => process_guard::run(&arguments),
    }
}

fn build_images() -> Result<()> {
    let paths = paths::Paths::for_this_checkout()?;
    let progress = progress::Progress::new();
    let step = progress.step("building the images");
    let archives = images::build(&paths.cache, &paths.checkout, &|what| step.show(what))?;
    step.finish();
    for archive in archives {
        println!("{}", archive.display());
    }
    Ok(())
}
