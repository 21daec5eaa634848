//! The bot in process, with the service account of manifests/ and a Slack simulator.

use std::{sync::Once, time::Duration};

use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use lockkeeper::{bot, record::LeaseError, slack::SlackSettings};
use lockkeeper_slack_simulator::{Config, Simulator};
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
    task::JoinHandle,
};

use super::sandbox::Sandbox;

/// Long enough that only a real failure reaches it.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// A running bot.
pub struct Bot {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<anyhow::Result<()>>,
}

/// A simulator with rate limits that do not hold tests up.
pub async fn simulator() -> Simulator {
    let mut config = Config::new().unwrap();
    config.rate_limit_speedup = 20.0;
    Simulator::start(config).await.unwrap()
}

impl Bot {
    /// Starts a bot for one namespace and waits until Slack can reach it.
    pub async fn start(sandbox: &Sandbox, namespace: &str, slack: &Simulator) -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let settings = bot::Settings {
            namespaces: vec![namespace.to_owned()],
            helm: sandbox.helm.clone(),
            listen: "127.0.0.1:0".parse().unwrap(),
            // A busy machine must not lose it: nobody waits for it unless a bot is killed.
            lease: Duration::from_secs(15),
            identity: format!("test-{}-{namespace}", std::process::id()),
            slack: Some(SlackSettings {
                bot_token: slack.bot_token().to_owned().into(),
                app_token: slack.app_token().to_owned().into(),
                api_url: slack.api_url(),
            }),
        };
        // Those of a bot that ended would be taken for this one's.
        slack.close_sockets();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(supervised(sandbox.bot_config().await, settings, stopped.map(drop).boxed().shared()));
        slack.wait_for("the bot", DEADLINE, |view| (view.sockets() > 0).then_some(())).await.unwrap();
        Self { stop: Some(stop), task }
    }

    /// Ends it as SIGTERM does.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        self.task.await.unwrap().unwrap();
    }

    /// Waits until it ends by itself; why it did.
    pub async fn ended(self) -> String {
        let ended = tokio::time::timeout(DEADLINE * 2, self.task).await.expect("the bot goes on").unwrap();
        ended.expect_err("the bot ended without a reason").to_string()
    }

    /// Ends it as `kill -9` does: whatever was under way breaks off.
    pub async fn kill(self) {
        self.task.abort();
        drop(self.task.await);
    }
}

/// On a machine that is busy a lease is not always renewed in time; the bot ends then, and is started again as the kubelet does it.
async fn supervised(
    config: kube::Config,
    settings: bot::Settings,
    stop: Shared<BoxFuture<'static, ()>>,
) -> anyhow::Result<()> {
    loop {
        let process = Process::new();
        let ended = process.run(bot::run(config.clone(), settings.clone(), stop.clone().boxed())).await;
        drop(process);
        match ended {
            Err(error) if may_start_again(&error) => eprintln!("{error}"),
            other => return other,
        }
    }
}

fn may_start_again(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(LeaseError::NotRenewed { .. } | LeaseError::Held { .. }))
}

/// What a bot started ends with it, as in a process: Slack's library would keep its sockets open, and take commands by them.
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
        // It is dropped where nothing may wait.
        self.0.take().unwrap().shutdown_background();
    }
}
