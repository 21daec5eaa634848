//! People who use Lockkeeper by kubectl alone: they ask for rollouts and decide, each under their own user name.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use futures::{StreamExt as _, stream::BoxStream};
use kube::{
    Api, Client,
    config::KubeConfigOptions,
    runtime::{WatchStreamExt as _, watcher},
};
use lockkeeper::api::{FlinkRollout, FlinkRolloutStatus};
use serde_json::{Value, json};

use super::application::{Application, ROLLOUT};

/// Who asks for rollouts.
pub const OTTO: &str = "otto";
/// Whose approvals the application accepts.
pub const RITA: &str = "rita";
/// May write rollouts, but is no approver.
pub const SVEN: &str = "sven";

const LOOK: Duration = Duration::from_millis(300);

impl Application {
    /// Lets the people of this module write rollouts in the application's namespace.
    pub fn admit_people(&self) {
        let namespace = self.namespace.name.as_str();
        let verbs = "--verb=get,list,create,patch,delete";
        let resource = "--resource=flinkrollouts.lockkeeper.dev";
        self.sandbox.kubectl(&["-n", namespace, "create", "role", "people", verbs, resource]);
        let users = [OTTO, RITA, SVEN].map(|user| format!("--user={user}"));
        let mut arguments = vec!["-n", namespace, "create", "rolebinding", "people", "--role=people"];
        arguments.extend(users.iter().map(String::as_str));
        self.sandbox.kubectl(&arguments);
    }

    /// Otto asks for a rollout of this name; `request` says what for.
    pub fn ask(&self, rollout: &str, mut request: Value) {
        request["application"] = json!(self.name);
        request["by"] = json!(format!("kubernetes:{OTTO}"));
        let object = json!({
            "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkRollout", "metadata": {"name": rollout},
            "spec": {"request": request},
        });
        let arguments = ["-n", &self.namespace.name, "--as", OTTO, "create", "-f", "-"];
        self.sandbox.try_kubectl(&arguments, Some(&object.to_string())).unwrap();
    }

    /// A user appends a decision; in their own name unless it says otherwise.
    pub fn decide(&self, user: &str, rollout: &str, mut decision: Value) -> Result<String, String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let id = format!("said-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        decision["id"] = json!(id);
        decision["at"] = json!(jiff::Timestamp::now().to_string());
        if decision.get("by").is_none() {
            decision["by"] = json!(format!("kubernetes:{user}"));
        }
        let object = json!({
            "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkRollout", "metadata": {"name": rollout},
            "spec": {"decisions": [decision]},
        });
        let manager = format!("--field-manager={id}");
        let arguments =
            ["-n", &self.namespace.name, "--as", user, "apply", "--server-side", manager.as_str(), "-f", "-"];
        self.sandbox.try_kubectl(&arguments, Some(&object.to_string())).map(|_| id)
    }

    /// The rollouts of the namespace, for what kubectl is too slow to see.
    pub async fn rollouts(&self) -> Api<FlinkRollout> {
        let kubeconfig = kube::config::Kubeconfig::read_from(&self.sandbox.kubeconfig).unwrap();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        Api::namespaced(Client::try_from(config).unwrap(), &self.namespace.name)
    }

    /// Every version of a rollout's status from now on, however short-lived.
    pub async fn versions(&self, rollout: &str) -> BoxStream<'static, FlinkRolloutStatus> {
        let only = watcher::Config::default().fields(&format!("metadata.name={rollout}"));
        let versions = watcher(self.rollouts().await, only).default_backoff().applied_objects();
        versions.filter_map(|version| async { version.ok()?.status }).boxed()
    }

    /// Waits until a rollout's status shows something.
    pub async fn shows(
        &self,
        rollout: &str,
        what: &str,
        shows: impl Fn(&FlinkRolloutStatus) -> bool,
    ) -> FlinkRolloutStatus {
        let mut versions = self.versions(rollout).await;
        let looking = async {
            loop {
                let status = versions.next().await.unwrap();
                if shows(&status) {
                    return status;
                }
            }
        };
        let seen = tokio::time::timeout(ROLLOUT, looking).await;
        seen.unwrap_or_else(|_| panic!("{rollout}: {what}: not within {ROLLOUT:?}: {}", self.rollout(rollout)))
    }

    /// Waits until a rollout has ended or halted.
    pub async fn settled(&self, rollout: &str) -> FlinkRolloutStatus {
        let status = self.shows(rollout, "its end", |status| status.result.is_some() || status.halt.is_some()).await;
        println!("---- {rollout}: {} ({})", status.phase, status.message);
        status
    }

    /// Waits until a rollout's object is gone.
    pub async fn gone(&self, rollout: &str) {
        let api = self.rollouts().await;
        let looking = async {
            while api.get_opt(rollout).await.unwrap().is_some() {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(ROLLOUT, looking).await.unwrap_or_else(|_| panic!("{rollout} does not go"));
    }

    /// Waits until a rollout waits for approval.
    pub async fn waits_for_approval(&self, rollout: &str) -> FlinkRolloutStatus {
        self.shows(rollout, "a plan that waits", |status| status.message.contains("approvals")).await
    }
}
