//! The project's own commands: one module for each.

mod cache;
mod command;
mod demo;
mod images;
mod manifests;
mod places;
mod progress;
mod sandbox;
mod test;
mod tied;

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
    /// A real Kubernetes on this machine, in namespaces of its own.
    Sandbox(sandbox::Arguments),
    /// Format, lints, licences and all tests, with a sandbox around the tests.
    Test(test::Arguments),
    /// A real rollout and a real rollback, from Slack commands, on a real sandbox.
    Demo(demo::Arguments),
    /// Writes what is generated from the Rust types: manifests/crds.yaml.
    Manifests,
    /// Builds the sandbox's images and prints their archives.
    #[command(hide = true)]
    Images,
    /// Runs a program that ends with whoever started this.
    #[command(hide = true)]
    Tied(tied::Arguments),
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
        Command::Tied(arguments) => tied::hold(&arguments),
    }
}

fn build_images() -> Result<()> {
    let places = places::Places::of_this_checkout()?;
    let progress = progress::Progress::new();
    let step = progress.step("building the images");
    let archives = images::build(&places.cache, &places.checkout, &|what| step.now(what))?;
    step.done();
    for archive in archives {
        println!("{}", archive.display());
    }
    Ok(())
}
