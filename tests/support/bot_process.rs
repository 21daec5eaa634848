//! The bot as a process of its own, which can be killed.

use std::{
    fs::{self, File},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use lockkeeper_slack_simulator::Simulator;
use serde_json::json;

use crate::support::sandbox::{Sandbox, eventually};

/// Runs processes of the bot, one after the other, and kills the last one when it is dropped.
pub struct BotProcess {
    folder: PathBuf,
    namespace: String,
    helm: PathBuf,
    /// The folder that holds the sample chart.
    charts: PathBuf,
    slack: [String; 3],
    started: u32,
    pub running: Option<Child>,
}

impl BotProcess {
    /// The processes have the rights of the bot's service account and no others.
    pub fn new(sandbox: &Sandbox, namespace: &str, slack: &Simulator) -> Self {
        let folder = std::env::temp_dir().join(format!("lockkeeper-{namespace}"));
        fs::create_dir_all(&folder).unwrap();
        let mut config = kube::config::Kubeconfig::read_from(&sandbox.kubeconfig).unwrap();
        let token = sandbox.kubectl(&["-n", "lockkeeper", "create", "token", "lockkeeper", "--duration=2h"]);
        for user in &mut config.auth_infos {
            user.auth_info =
                Some(kube::config::AuthInfo { token: Some(token.trim().to_owned().into()), ..Default::default() });
        }
        let mut options = fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(folder.join("kubeconfig")).unwrap();
        serde_json::to_writer(file, &serialize_with_token(&config)).unwrap();
        Self {
            folder,
            namespace: namespace.to_owned(),
            helm: sandbox.helm.clone(),
            charts: sandbox.chart.parent().unwrap().to_owned(),
            slack: [slack.bot_token().to_owned(), slack.app_token().to_owned(), slack.api_url()],
            started: 0,
            running: None,
        }
    }

    /// A process with this identity. It ends with this test, however the test ends.
    pub fn command(&self, identity: &str) -> Command {
        let [bot_token, app_token, api_url] = &self.slack;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", env!("CARGO_BIN_EXE_lockkeeper")]);
        command.args(["run", "--lease-seconds", "3", "--listen", "127.0.0.1:0", "--identity", identity]);
        command.arg("--namespaces").arg(&self.namespace).arg("--helm").arg(&self.helm);
        command.arg("--charts").arg(&self.charts);
        command.env("KUBECONFIG", self.folder.join("kubeconfig"));
        command.env("SLACK_BOT_TOKEN", bot_token).env("SLACK_APP_TOKEN", app_token).env("SLACK_API_URL", api_url);
        command
    }

    fn log_file(&self) -> PathBuf {
        self.folder.join(format!("bot-{}.log", self.started))
    }

    /// What the running process has logged, in lines of JSON.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap()
    }

    /// Starts the next process without waiting for it.
    pub fn start(&mut self) {
        self.started += 1;
        let log = File::create(self.log_file()).unwrap();
        let mut command = self.command(&self.identity());
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.running = Some(command.spawn().unwrap());
    }

    /// The identity of the running process.
    pub fn identity(&self) -> String {
        format!("bot-{}", self.started)
    }

    /// Waits until the running process has started.
    pub async fn wait_until_started(&mut self) {
        eventually("the bot has started", Duration::from_secs(180), || {
            self.restart_after_lost_lease();
            self.log().contains("\"started\"").then_some(())
        })
        .await;
    }

    /// Starts the next process, as the kubelet would, if the running one ended because of its lease. On a busy machine it may not
    /// renew the lease in time, or a late write of the process before may change it. Any other end is a failure.
    pub fn restart_after_lost_lease(&mut self) {
        let Some(status) = self.running.as_mut().and_then(|child| child.try_wait().unwrap()) else { return };
        let log = self.log();
        let lease_lost = ["the lease of namespace", "another Lockkeeper ("].iter().any(|words| log.contains(words));
        assert!(lease_lost, "the bot ended by itself ({status}):\n{log}");
        println!("     {} lost its lease", self.identity());
        self.start();
    }
}

impl Drop for BotProcess {
    fn drop(&mut self) {
        if let Some(mut child) = self.running.take() {
            drop(child.kill());
            drop(child.wait());
        }
        if std::thread::panicking() {
            eprintln!("the logs of the bot are in {}", self.folder.display());
        } else {
            drop(fs::remove_dir_all(&self.folder));
        }
    }
}

/// A kubeconfig with its token. The type hides the token when it is serialized.
fn serialize_with_token(config: &kube::config::Kubeconfig) -> serde_json::Value {
    use secrecy::ExposeSecret;
    let mut written = serde_json::to_value(config).unwrap();
    for (index, user) in config.auth_infos.iter().enumerate() {
        let token = user.auth_info.as_ref().and_then(|info| info.token.as_ref()).map(ExposeSecret::expose_secret);
        written["users"][index]["user"] = json!({ "token": token });
    }
    written
}
