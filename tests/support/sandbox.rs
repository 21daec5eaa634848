//! The sandbox that `cargo xtask test` brought up, through kubectl as a person would use it.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde::Deserialize;
use serde_json::Value;

/// What `cargo xtask sandbox status --json` says.
#[derive(Debug, Clone, Deserialize)]
pub struct Sandbox {
    pub kubeconfig: PathBuf,
    pub kubectl: PathBuf,
    pub helm: PathBuf,
    pub data: PathBuf,
    pub chart: PathBuf,
}

/// A namespace of a test's own, deleted at its end.
pub struct Namespace {
    pub name: String,
    sandbox: Sandbox,
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.sandbox.command(&["delete", "namespace", &self.name, "--wait=false"]).output());
    }
}

impl Sandbox {
    /// The sandbox of this test run.
    pub fn get() -> Self {
        let file = std::env::var("LOCKKEEPER_SANDBOX")
            .expect("LOCKKEEPER_SANDBOX is not set: run these tests by `cargo xtask test`");
        let text = std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{file}: {error}; run `cargo xtask sandbox up`"));
        serde_json::from_str(&text).unwrap()
    }

    /// kubectl as the administrator.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.kubectl);
        command.arg("--kubeconfig").arg(&self.kubeconfig).args(arguments);
        command
    }

    /// Runs kubectl; what it printed, or its error.
    pub fn try_kubectl(&self, arguments: &[&str], input: Option<&str>) -> Result<String, String> {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.unwrap_or_default().as_bytes()).unwrap();
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        if status.success() { Ok(String::from_utf8(stdout).unwrap()) } else { Err(String::from_utf8(stderr).unwrap()) }
    }

    /// Runs kubectl, which must work.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        self.try_kubectl(arguments, None).unwrap_or_else(|error| panic!("kubectl {}: {error}", arguments.join(" ")))
    }

    /// Creates or changes objects in a namespace.
    pub fn apply(&self, namespace: &str, object: &Value) {
        self.try_kubectl(&["-n", namespace, "apply", "-f", "-"], Some(&object.to_string())).unwrap();
    }

    /// An object as JSON.
    pub fn get_json(&self, namespace: &str, what: &str) -> Value {
        serde_json::from_str(&self.kubectl(&["-n", namespace, "get", what, "-o", "json"])).unwrap()
    }

    /// A namespace with the kinds, the admission policies and the bot's Role of manifests/.
    pub fn namespace(&self, purpose: &str) -> Namespace {
        let manifests = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests");
        let file = |name: &str| manifests.join(name).to_str().unwrap().to_owned();
        self.kubectl(&[
            "apply",
            "--server-side",
            "--force-conflicts",
            "-f",
            &file("crds.yaml"),
            "-f",
            &file("admission-policy.yaml"),
        ]);
        for kind in ["flinkapplications", "flinkrollouts"] {
            self.kubectl(&[
                "wait",
                "--for=condition=Established",
                &format!("crd/{kind}.lockkeeper.dev"),
                "--timeout=30s",
            ]);
        }
        let _ = self.try_kubectl(&["create", "namespace", "lockkeeper"], None);
        let _ = self.try_kubectl(&["-n", "lockkeeper", "create", "serviceaccount", "lockkeeper"], None);
        let name = format!("{purpose}-{}", std::process::id());
        self.kubectl(&["create", "namespace", &name]);
        self.kubectl(&["-n", &name, "apply", "-f", &file("role.yaml")]);
        Namespace { name, sandbox: self.clone() }
    }

    /// The configuration of a client that is the bot's service account, with its rights and no more.
    pub async fn bot_config(&self) -> kube::Config {
        let token = self.kubectl(&["-n", "lockkeeper", "create", "token", "lockkeeper", "--duration=2h"]);
        let kubeconfig = kube::config::Kubeconfig::read_from(&self.kubeconfig).unwrap();
        let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &kube::config::KubeConfigOptions::default())
            .await
            .unwrap();
        config.auth_info = kube::config::AuthInfo { token: Some(token.trim().to_owned().into()), ..Default::default() };
        config
    }
}

/// Looks again until there is an answer, or the deadline has passed.
pub async fn eventually<T>(what: &str, deadline: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    // A look is often a program of its own: the longer it takes, the less often is looked.
    let mut pause = Duration::from_millis(200);
    loop {
        if let Some(answer) = look() {
            return answer;
        }
        assert!(began.elapsed() < deadline, "{what}: not within {deadline:?}");
        tokio::time::sleep(pause).await;
        pause = (pause * 5 / 4).min(Duration::from_millis(1500));
    }
}
