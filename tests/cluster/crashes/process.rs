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

use crate::support::{application::Application, sandbox::eventually};

/// A lease of 3 s is not lost this often in a row.
const ATTEMPTS: usize = 3;

/// Starts processes of the bot, one after the other, and ends the last.
pub(super) struct Program {
    folder: PathBuf,
    namespace: String,
    helm: PathBuf,
    slack: [String; 3],
    started: u32,
    running: Option<Child>,
}

impl Program {
    /// A program that has the bot's service account and nothing else.
    pub(super) fn new(orders: &Application, slack: &Simulator) -> Self {
        let folder = std::env::temp_dir().join(format!("lockkeeper-{}", orders.namespace.name));
        fs::create_dir_all(&folder).unwrap();
        let mut config = kube::config::Kubeconfig::read_from(&orders.sandbox.kubeconfig).unwrap();
        let token = orders.sandbox.kubectl(&["-n", "lockkeeper", "create", "token", "lockkeeper", "--duration=2h"]);
        for user in &mut config.auth_infos {
            user.auth_info =
                Some(kube::config::AuthInfo { token: Some(token.trim().to_owned().into()), ..Default::default() });
        }
        let mut options = fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(folder.join("kubeconfig")).unwrap();
        serde_json::to_writer(file, &with_secrets(&config)).unwrap();
        Self {
            folder,
            namespace: orders.namespace.name.clone(),
            helm: orders.sandbox.helm.clone(),
            slack: [slack.bot_token().to_owned(), slack.app_token().to_owned(), slack.api_url()],
            started: 0,
            running: None,
        }
    }

    /// A process that calls itself so, and that ends with this test however that ends.
    fn command(&self, identity: &str) -> Command {
        let [bot_token, app_token, api_url] = &self.slack;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", env!("CARGO_BIN_EXE_lockkeeper")]);
        command.args(["run", "--lease-seconds", "3", "--listen", "127.0.0.1:0", "--identity", identity]);
        command.arg("--namespaces").arg(&self.namespace).arg("--helm").arg(&self.helm);
        command.env("KUBECONFIG", self.folder.join("kubeconfig"));
        command.env("SLACK_BOT_TOKEN", bot_token).env("SLACK_APP_TOKEN", app_token).env("SLACK_API_URL", api_url);
        command
    }

    fn log(&self) -> PathBuf {
        self.folder.join(format!("bot-{}.log", self.started))
    }

    /// Starts the next process and does not wait for it.
    pub(super) fn start(&mut self) {
        self.started += 1;
        let log = File::create(self.log()).unwrap();
        let mut command = self.command(&self.identity());
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.running = Some(command.spawn().unwrap());
    }

    /// Who the running process is.
    pub(super) fn identity(&self) -> String {
        format!("bot-{}", self.started)
    }

    /// Waits until the running process is at work.
    pub(super) async fn at_work(&mut self) {
        eventually("the bot is at work", Duration::from_secs(180), || {
            self.revive();
            fs::read_to_string(self.log()).unwrap().contains("\"at work\"").then_some(())
        })
        .await;
    }

    /// Kills the running process as `kill -9` does.
    pub(super) fn kill(&mut self) {
        self.revive();
        let mut child = self.running.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Starts the next process if the running one gave up because it could not renew its lease in time, or because a write of the one
    /// before landed late, as the kubelet would: on a machine that is busy that happens. Any other end is a failure.
    pub(super) fn revive(&mut self) {
        let Some(status) = self.running.as_mut().and_then(|child| child.try_wait().unwrap()) else { return };
        let log = fs::read_to_string(self.log()).unwrap();
        let of_the_lease = ["the lease of namespace", "another Lockkeeper ("].iter().any(|words| log.contains(words));
        assert!(of_the_lease, "the bot ended by itself ({status}):\n{log}");
        println!("     {} lost its lease", self.identity());
        self.start();
    }

    /// Starts another process beside the running one, which must refuse because of that.
    pub(super) async fn refuses_a_second(&mut self) {
        for _ in 0..ATTEMPTS {
            let mut second = tokio::process::Command::from(self.command("second"));
            second.stdin(Stdio::null()).kill_on_drop(true);
            let refused = format!("another Lockkeeper ({})", self.identity());
            if let Ok(output) = tokio::time::timeout(Duration::from_secs(60), second.output()).await {
                let output = output.unwrap();
                assert!(!output.status.success(), "a second process ended as if all were well");
                let why = String::from_utf8_lossy(&output.stderr);
                if why.contains(&refused) {
                    return;
                }
                println!("     second: {why}");
            }
            // The first may have lost its lease meanwhile, on a busy machine: then the second was right to take over.
            self.at_work().await;
        }
        panic!("a second process does not refuse to run beside {}", self.identity());
    }
}

impl Drop for Program {
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

/// A kubeconfig with its token in it, which its type hides when it is written.
fn with_secrets(config: &kube::config::Kubeconfig) -> serde_json::Value {
    use secrecy::ExposeSecret;
    let mut written = serde_json::to_value(config).unwrap();
    for (index, user) in config.auth_infos.iter().enumerate() {
        let token = user.auth_info.as_ref().and_then(|info| info.token.as_ref()).map(ExposeSecret::expose_secret);
        written["users"][index]["user"] = json!({ "token": token });
    }
    written
}
