//! The sandbox that `cargo xtask test` brought up, used with kubectl as a person would use it.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The test binaries that also run on a cluster whose nodes lack the sample application's images.
const WITHOUT_A_NODE: [&str; 1] = ["api_server"];

/// The output of `cargo xtask sandbox status --json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sandbox {
    pub kubeconfig: PathBuf,
    pub kubectl: PathBuf,
    pub helm: PathBuf,
    #[serde(deserialize_with = "folder_or_placeholder")]
    pub data: PathBuf,
    pub chart: PathBuf,
    own_cluster: bool,
}

/// A namespace of one test, deleted at the test's end.
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
        let sandbox: Self = serde_json::from_str(&text).unwrap();
        sandbox.refuse_without_node(env!("CARGO_CRATE_NAME"));
        sandbox
    }

    /// Pods of the sample application cannot start on a cluster of the user's own, so this fails before the test changes anything.
    fn refuse_without_node(&self, binary: &str) {
        assert!(
            !self.own_cluster || WITHOUT_A_NODE.contains(&binary),
            "`{binary}` cannot use the cluster that LOCKKEEPER_KUBECONFIG names: its nodes have neither the sample \
             application's images (sandbox.invalid/orders:...) nor a folder that this machine sees too; unset it and run \
             `cargo xtask sandbox up`"
        );
    }

    /// kubectl as the administrator.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.kubectl);
        command.arg("--kubeconfig").arg(&self.kubeconfig).args(arguments);
        command
    }

    /// Runs kubectl. Returns its output, or its error.
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

    /// Runs kubectl, which must succeed.
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
                "--timeout=120s",
            ]);
        }
        let _ = self.try_kubectl(&["create", "namespace", "lockkeeper"], None);
        let _ = self.try_kubectl(&["-n", "lockkeeper", "create", "serviceaccount", "lockkeeper"], None);
        let name = format!("{purpose}-{}", std::process::id());
        self.kubectl(&["create", "namespace", &name]);
        self.kubectl(&["-n", &name, "apply", "-f", &file("role.yaml")]);
        // The controller manager creates these later, and some tests compare all objects before and after.
        for object in ["serviceaccount/default", "configmap/kube-root-ca.crt"] {
            self.kubectl(&["-n", &name, "wait", "--for=create", object, "--timeout=120s"]);
        }
        Namespace { name, sandbox: self.clone() }
    }

    /// A client configuration with the rights of the bot's service account and no others.
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

/// On a cluster of the user's own no folder is on both its nodes and this machine. Plans still need the name of one.
fn folder_or_placeholder<'de, D: Deserializer<'de>>(data: D) -> Result<PathBuf, D::Error> {
    Ok(Option::deserialize(data)?.unwrap_or_else(|| "/lockkeeper".into()))
}

/// Calls `look` until it returns something. Panics after the timeout.
pub async fn eventually<T>(what: &str, timeout: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    // A look often starts a program, so the pause grows.
    let mut pause = Duration::from_millis(200);
    loop {
        if let Some(answer) = look() {
            return answer;
        }
        assert!(began.elapsed() < timeout, "{what}: not within {timeout:?}");
        tokio::time::sleep(pause).await;
        pause = (pause * 5 / 4).min(Duration::from_millis(1500));
    }
}

#[test]
fn only_binaries_that_need_a_node_refuse_a_cluster_of_the_users_own() {
    let sandbox = |own: bool| {
        let data = if own { Value::Null } else { "/data".into() };
        serde_json::from_value::<Sandbox>(serde_json::json!({
            "kubeconfig": "/k", "kubectl": "/b/kubectl", "helm": "/b/helm", "data": data, "chart": "/c", "ownCluster": own,
        }))
        .unwrap()
    };
    for binary in ["cluster", "demo", "api_server"] {
        sandbox(false).refuse_without_node(binary);
    }
    sandbox(true).refuse_without_node("api_server");
    for binary in ["cluster", "demo"] {
        let refused = std::panic::catch_unwind(|| sandbox(true).refuse_without_node(binary)).unwrap_err();
        let why = refused.downcast_ref::<String>().unwrap();
        assert!(why.contains("unset it") && !why.contains('\n'), "{why}");
    }
}
