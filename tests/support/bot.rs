//! The bot in this process, with the service account of manifests/ and a Slack simulator.

use std::{path::PathBuf, sync::Once, time::Duration};

use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use lockkeeper::{bake::Renderer, bot, record::LeaseError, slack::SlackSettings};
use lockkeeper_slack_simulator::Simulator;
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
    task::JoinHandle,
};

use crate::support::sandbox::Sandbox;

/// Only a real failure reaches this timeout.
pub const DEADLINE: Duration = Duration::from_secs(90);

pub struct Bot {
    stop: Option<oneshot::Sender<()>>,
    pub task: JoinHandle<anyhow::Result<()>>,
}

/// The channel of every application in these tests.
pub const CHANNEL: &str = "deploys";

impl Bot {
    /// Starts a bot for one namespace and waits until it is connected to Slack.
    pub async fn start(sandbox: &Sandbox, namespace: &str, slack: &Simulator) -> Self {
        Self::start_with(sandbox.bot_config().await, sandbox, namespace, slack).await
    }

    /// The same, with a client configuration of its own.
    pub async fn start_with(config: kube::Config, sandbox: &Sandbox, namespace: &str, slack: &Simulator) -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let settings = bot::Settings {
            namespaces: vec![namespace.to_owned()],
            renderer: Renderer { lockkeeper: lockkeeper(), helm: sandbox.helm.clone(), charts: "/".into() },
            listen: "127.0.0.1:0".parse().unwrap(),
            // A long lease is not lost on a busy machine. Only the successor of a killed bot waits for it.
            lease: Duration::from_secs(15),
            identity: format!("test-{}-{namespace}", std::process::id()),
            slack: Some(SlackSettings {
                bot_token: slack.bot_token().to_owned().into(),
                app_token: slack.app_token().to_owned().into(),
                api_url: slack.api_url(),
            }),
        };
        // A socket of an earlier bot would look like one of this bot.
        slack.close_sockets();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(supervise(config, settings, stopped.map(drop).boxed().shared()));
        slack.wait_for("the bot", DEADLINE, |view| (view.sockets() > 0).then_some(())).await.unwrap();
        Self { stop: Some(stop), task }
    }

    /// Stops it as SIGTERM does.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        self.task.await.unwrap().unwrap();
    }
}

/// The program that has the subcommand `render`. Cargo names it for tests; the demo has the subcommand itself.
fn lockkeeper() -> PathBuf {
    option_env!("CARGO_BIN_EXE_lockkeeper").map_or_else(|| std::env::current_exe().unwrap(), PathBuf::from)
}

/// Restarts the bot, as the kubelet would, while a killed one still seems to hold the lease.
async fn supervise(
    config: kube::Config,
    settings: bot::Settings,
    stop: Shared<BoxFuture<'static, ()>>,
) -> anyhow::Result<()> {
    loop {
        let process = Process::new();
        let ended = process.run(bot::run(config.clone(), settings.clone(), stop.clone().boxed())).await;
        drop(process);
        match ended {
            Err(error) if ended_by_lease(&error) => eprintln!("{error}"),
            other => return other,
        }
    }
}

fn ended_by_lease(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(LeaseError::Held { .. }))
}

/// Tasks that the bot started end with it, as in a process. Otherwise Slack's library would keep its sockets open and read commands.
struct Process(Option<Runtime>);

impl Process {
    fn new() -> Self {
        Self(Some(Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()))
    }

    async fn run(&self, bot: impl Future<Output = anyhow::Result<()>> + Send + 'static) -> anyhow::Result<()> {
        self.0.as_ref().unwrap().spawn(bot).await.unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The drop happens in async code, which must not block.
        self.0.take().unwrap().shutdown_background();
    }
}
