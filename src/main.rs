//! The command line: reads the flags and starts the bot.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use futures::FutureExt as _;
use lockkeeper::{
    api, bake, bot, retention,
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
    /// Become helm, confined to one chart. The bot starts this for each chart that it renders.
    #[command(hide = true)]
    Render(bake::Confinement),
    /// List what the bot would delete in a namespace: old ended rollouts, and what no kept revision needs. Deletes nothing.
    Retention(Retention),
    /// Print the custom resource definitions as YAML.
    Crds,
    /// Print the reference of both kinds as Markdown.
    Reference,
    /// Print the tables of signs and halts as Markdown.
    Health,
}

#[derive(clap::Args)]
struct Retention {
    /// Namespace of the applications.
    #[arg(long)]
    namespace: String,
}

#[derive(clap::Args)]
struct Run {
    /// Namespaces whose applications Lockkeeper deploys, separated by commas.
    #[arg(long, env = "LOCKKEEPER_NAMESPACES", value_delimiter = ',', required = true)]
    namespaces: Vec<String>,
    /// Folder of the charts. `chart.path` of a FlinkApplication is a path below it.
    #[arg(long, env = "LOCKKEEPER_CHARTS")]
    charts: PathBuf,
    /// Path of the helm program.
    #[arg(long, env = "LOCKKEEPER_HELM", default_value = "helm")]
    helm: PathBuf,
    /// Address that serves /healthz, /readyz and /metrics.
    #[arg(long, env = "LOCKKEEPER_LISTEN", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
    /// Seconds until the lease of a namespace expires if it is not renewed.
    #[arg(long, default_value_t = 15)]
    lease_seconds: u64,
    /// Name of this process in leases and Events; the default is the host name and the process id.
    #[arg(long, env = "LOCKKEEPER_IDENTITY")]
    identity: Option<String>,
    /// Slack's bot token (xoxb-). Without tokens the bot takes orders from kubectl only.
    #[arg(long, env = "SLACK_BOT_TOKEN", hide_env_values = true, requires = "slack_app_token")]
    slack_bot_token: Option<SecretString>,
    /// Slack's app-level token (xapp-) with the scope connections:write.
    #[arg(long, env = "SLACK_APP_TOKEN", hide_env_values = true, requires = "slack_bot_token")]
    slack_app_token: Option<SecretString>,
    /// Base URL of Slack's Web API.
    #[arg(long, env = "SLACK_API_URL", default_value = SLACK_API)]
    slack_api_url: String,
}

fn main() -> anyhow::Result<()> {
    // slack-morphism and kube bring ring as their TLS provider, reqwest brings none. All use this one, so it comes before any connection.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        anyhow::bail!("cannot install the TLS provider: this process already has one");
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
        Command::Health => {
            print!("{}", lockkeeper::health_as_markdown());
            Ok(())
        }
        Command::Retention(flags) => list_surplus(&flags.namespace),
        Command::Run(run) => start(run),
        Command::Render(confinement) => std::process::exit(bake::become_helm(&confinement)),
    }
}

fn list_surplus(namespace: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start the Tokio runtime")?;
    runtime.block_on(async {
        let config = kube::Config::infer().await.context(NO_CLUSTER)?;
        let client = kube::Client::try_from(config).context("cannot create the Kubernetes client")?;
        let listed = retention::list_surplus(&client, namespace).await;
        print!("{}", listed.with_context(|| format!("cannot read the objects of namespace {namespace}"))?);
        Ok(())
    })
}

const NO_CLUSTER: &str = "found no Kubernetes cluster: run inside one, or set KUBECONFIG";

fn start(flags: Run) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,kube=warn,hyper=warn"));
    tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter).init();
    let runtime = tokio::runtime::Runtime::new().context("cannot start the Tokio runtime")?;
    runtime.block_on(async {
        let config = kube::Config::infer().await.context(NO_CLUSTER)?;
        let identity = flags.identity.unwrap_or_else(|| {
            let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "lockkeeper".to_owned());
            format!("{host}-{}", std::process::id())
        });
        let slack = flags.slack_bot_token.zip(flags.slack_app_token).map(|(bot_token, app_token)| SlackSettings {
            bot_token,
            app_token,
            api_url: flags.slack_api_url,
        });
        let lockkeeper = std::env::current_exe().context("cannot find the path of this program")?;
        let settings = bot::Settings {
            namespaces: flags.namespaces,
            renderer: bake::Renderer { lockkeeper, helm: flags.helm, charts: flags.charts },
            listen: flags.listen,
            lease: Duration::from_secs(flags.lease_seconds),
            identity,
            slack,
        };
        bot::run(config, settings, shutdown_signal().boxed()).await
    })
}

/// Waits for SIGTERM or Ctrl-C.
async fn shutdown_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
