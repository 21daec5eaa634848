//! Flags, configuration and wiring.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use futures::FutureExt as _;
use lockkeeper::{
    api, bot,
    slack::{SLACK_API, SlackSettings},
};
use secrecy::SecretString;
use tracing_subscriber::EnvFilter;

/// Takes stateful Apache Flink applications on Kubernetes safely from one version to the next, from Slack.
#[derive(Parser)]
#[command(version)]
struct Flags {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the bot.
    Run(Run),
    /// Print the custom resource definitions as YAML.
    Crds,
    /// Print the reference of both kinds as Markdown.
    Reference,
}

#[derive(clap::Args)]
struct Run {
    /// Namespaces whose applications are moved, separated by commas.
    #[arg(long, env = "LOCKKEEPER_NAMESPACES", value_delimiter = ',', required = true)]
    namespaces: Vec<String>,
    /// The helm program.
    #[arg(long, env = "LOCKKEEPER_HELM", default_value = "helm")]
    helm: PathBuf,
    /// Where health and readiness are served.
    #[arg(long, env = "LOCKKEEPER_LISTEN", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
    /// Seconds that the lease of a namespace holds without being renewed.
    #[arg(long, default_value_t = 15)]
    lease_seconds: u64,
    /// Who this process is; by default the host's name and a number.
    #[arg(long, env = "LOCKKEEPER_IDENTITY")]
    identity: Option<String>,
    /// Slack's bot token (xoxb-); without tokens the bot is driven by kubectl alone.
    #[arg(long, env = "SLACK_BOT_TOKEN", hide_env_values = true, requires = "slack_app_token")]
    slack_bot_token: Option<SecretString>,
    /// Slack's app-level token (xapp-) with connections:write.
    #[arg(long, env = "SLACK_APP_TOKEN", hide_env_values = true, requires = "slack_bot_token")]
    slack_app_token: Option<SecretString>,
    /// Base of Slack's Web API.
    #[arg(long, env = "SLACK_API_URL", default_value = SLACK_API)]
    slack_api_url: String,
}

fn main() -> anyhow::Result<()> {
    // slack-morphism and kube bring ring, reqwest none: one provider for all, before the first connection.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        anyhow::bail!("a TLS provider was installed already");
    }
    match Flags::parse().command {
        Command::Crds => {
            print!("{}", api::crds_as_yaml()?);
            Ok(())
        }
        Command::Reference => {
            print!("{}", api::reference_as_markdown());
            Ok(())
        }
        Command::Run(run) => start(run),
    }
}

fn start(flags: Run) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,kube=warn,hyper=warn"));
    tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter).init();
    let runtime = tokio::runtime::Runtime::new().context("the runtime could not be started")?;
    runtime.block_on(async {
        let config = kube::Config::infer().await.context("no cluster: run in one, or set KUBECONFIG")?;
        let identity = flags.identity.unwrap_or_else(|| {
            let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "lockkeeper".to_owned());
            format!("{host}-{}", std::process::id())
        });
        let slack = flags.slack_bot_token.zip(flags.slack_app_token).map(|(bot_token, app_token)| SlackSettings {
            bot_token,
            app_token,
            api_url: flags.slack_api_url,
        });
        let settings = bot::Settings {
            namespaces: flags.namespaces,
            helm: flags.helm,
            listen: flags.listen,
            lease: Duration::from_secs(flags.lease_seconds),
            identity,
            slack,
        };
        bot::run(config, settings, told_to_stop().boxed()).await
    })
}

/// Ends with SIGTERM or Ctrl-C.
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
