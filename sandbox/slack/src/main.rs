//! The Slack simulator as a program. It prints its addresses and tokens and runs until SIGTERM or Ctrl-C.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Parser;
use lockkeeper_slack_simulator::{AppManifest, Config, Simulator};
use serde_json::json;
use tracing_subscriber::EnvFilter;

/// A Slack workspace over real HTTP and WebSocket, with a page for people at `/`.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The address to listen on. Port 0 takes a free port. Loopback only.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// A JSON file with the workspace: team, users, channels, userGroups. Without it: alice, bob, carol, #deploys, #random.
    #[arg(long, value_name = "FILE")]
    world: Option<PathBuf>,
    /// An app manifest to install instead of the project's own.
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// How many times faster than Slack the rate limits refill.
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    rate_limit_speedup: f64,
    /// A file for the addresses and tokens, as JSON, once the simulator is ready. They are printed too.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn")))
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();
    let simulator = Simulator::start(configure(&arguments)?).await?;
    let ready = json!({
        "base": simulator.base_url(),
        "api": simulator.api_url(),
        "page": simulator.page_url(),
        "botToken": simulator.bot_token(),
        "appToken": simulator.app_token(),
    });
    if let Some(path) = &arguments.ready_file {
        write_in_one_step(path, &ready.to_string())?;
    }
    println!("{ready}");
    wait_for_shutdown_signal().await?;
    simulator.stop().await;
    Ok(())
}

fn configure(arguments: &Arguments) -> anyhow::Result<Config> {
    let mut config = Config::new()?;
    config.listen = arguments.listen;
    config.rate_limit_speedup = arguments.rate_limit_speedup;
    if let Some(path) = &arguments.world {
        let name = path.display();
        let text = fs::read_to_string(path).with_context(|| format!("cannot read the workspace from {name}"))?;
        config.world = serde_json::from_str(&text).with_context(|| format!("{name} is not a workspace"))?;
    }
    if let Some(path) = &arguments.manifest {
        let name = path.display();
        let text = fs::read_to_string(path).with_context(|| format!("cannot read the app manifest from {name}"))?;
        config.manifest = AppManifest::parse(&text).with_context(|| format!("cannot install the app of {name}"))?;
    }
    Ok(config)
}

/// Writes a file in one step, so that a reader never sees half of it.
fn write_in_one_step(path: &Path, text: &str) -> anyhow::Result<()> {
    let partial = path.with_extension("partial");
    let describe = || format!("cannot write the ready file {}", path.display());
    fs::write(&partial, text).with_context(describe)?;
    fs::rename(&partial, path).with_context(describe)
}

async fn wait_for_shutdown_signal() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot listen for Ctrl-C"),
        _ = terminate.recv() => Ok(()),
    }
}
