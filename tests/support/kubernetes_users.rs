//! People who use Lockkeeper with kubectl alone. They ask for rollouts and decide, each under their own user name.

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

use crate::support::{
    application::{Application, ROLLOUT_TIMEOUT},
    fixtures::flink_rollout::flink_rollout,
};

/// Asks for rollouts.
pub const OTTO: &str = "otto";
/// An approver of the application.
pub const RITA: &str = "rita";
/// May write rollouts, but is no approver.
pub const SVEN: &str = "sven";

const POLL: Duration = Duration::from_millis(300);

impl Application {
    /// Lets these people write rollouts in the application's namespace.
    pub fn grant_rollout_rights(&self) {
        let verbs = "--verb=get,list,create,patch,delete";
        let resource = "--resource=flinkrollouts.lockkeeper.dev";
        self.kubectl(&["create", "role", "people", verbs, resource]);
        let users = [OTTO, RITA, SVEN].map(|user| format!("--user={user}"));
        let mut arguments = vec!["create", "rolebinding", "people", "--role=people"];
        arguments.extend(users.iter().map(String::as_str));
        self.kubectl(&arguments);
    }

    /// Otto asks for a rollout with this name.
    pub fn request_rollout(&self, rollout: &str, mut request: Value) {
        request["application"] = json!(self.name);
        request["by"] = json!(format!("kubernetes:{OTTO}"));
        let object = flink_rollout(rollout, &json!({ "request": request }));
        let arguments = ["-n", &self.namespace.name, "--as", OTTO, "create", "-f", "-"];
        self.sandbox.try_kubectl(&arguments, Some(&object.to_string())).unwrap();
    }

    /// A user appends a decision, in their own name unless `decision` has another one. Returns its id.
    pub fn decide(&self, user: &str, rollout: &str, mut decision: Value) -> Result<String, String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let id = format!("said-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        decision["id"] = json!(id);
        decision["at"] = json!(jiff::Timestamp::now().to_string());
        if decision.get("by").is_none() {
            decision["by"] = json!(format!("kubernetes:{user}"));
        }
        let object = flink_rollout(rollout, &json!({"decisions": [decision]}));
        let manager = format!("--field-manager={id}");
        let arguments =
            ["-n", &self.namespace.name, "--as", user, "apply", "--server-side", manager.as_str(), "-f", "-"];
        self.sandbox.try_kubectl(&arguments, Some(&object.to_string())).map(|_| id)
    }

    /// The rollouts of the namespace, for changes that kubectl is too slow to show.
    async fn rollout_api(&self) -> Api<FlinkRollout> {
        let kubeconfig = kube::config::Kubeconfig::read_from(&self.sandbox.kubeconfig).unwrap();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        Api::namespaced(Client::try_from(config).unwrap(), &self.namespace.name)
    }

    /// Every status that a rollout has from now on, however short-lived.
    pub async fn watch_status(&self, rollout: &str) -> BoxStream<'static, FlinkRolloutStatus> {
        let only = watcher::Config::default().fields(&format!("metadata.name={rollout}"));
        let versions = watcher(self.rollout_api().await, only).default_backoff().applied_objects();
        versions.filter_map(|version| async { version.ok()?.status }).boxed()
    }

    /// Waits until a rollout's status meets a condition.
    pub async fn wait_for_status(
        &self,
        rollout: &str,
        what: &str,
        condition: impl Fn(&FlinkRolloutStatus) -> bool,
    ) -> FlinkRolloutStatus {
        let mut versions = self.watch_status(rollout).await;
        let looking = async {
            loop {
                let status = versions.next().await.unwrap();
                if condition(&status) {
                    return status;
                }
            }
        };
        let waited = tokio::time::timeout(ROLLOUT_TIMEOUT, looking).await;
        waited.unwrap_or_else(|_| {
            panic!("{rollout}: {what}: not within {ROLLOUT_TIMEOUT:?}: {}", self.get_rollout(rollout))
        })
    }

    /// Waits until a rollout has ended or halted.
    pub async fn wait_until_settled(&self, rollout: &str) -> FlinkRolloutStatus {
        let status =
            self.wait_for_status(rollout, "its end", |status| status.result.is_some() || status.halt.is_some()).await;
        println!("---- {rollout}: {} ({})", status.phase, status.message);
        status
    }

    /// Waits until a rollout's object is deleted.
    pub async fn wait_until_deleted(&self, rollout: &str) {
        let api = self.rollout_api().await;
        let looking = async {
            while api.get_opt(rollout).await.unwrap().is_some() {
                tokio::time::sleep(POLL).await;
            }
        };
        tokio::time::timeout(ROLLOUT_TIMEOUT, looking).await.unwrap_or_else(|_| panic!("{rollout} is not deleted"));
    }

    /// Waits until a rollout has a plan that waits for approval.
    pub async fn wait_until_planned(&self, rollout: &str) -> FlinkRolloutStatus {
        self.wait_for_status(rollout, "a plan that waits", |status| status.message.contains("approvals")).await
    }
}
