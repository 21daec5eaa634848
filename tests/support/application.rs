//! The sample application as a team runs it: installed by Helm, changed by hand, then handed to Lockkeeper.

use std::{os::unix::fs::PermissionsExt as _, path::PathBuf, process::Command, sync::Arc, time::Duration};

use lockkeeper_slack_simulator::{Message, Simulator};
use serde_json::{Value, json};

use super::{
    asked,
    records::{Abandoned, Count, Numbers, Records, count, passed},
    sandbox::{Namespace, Sandbox, eventually},
};

/// A rollout has this long; only a real failure reaches it.
pub const ROLLOUT: Duration = Duration::from_secs(900);
pub const CHANNEL: &str = "deploys";

pub struct Application {
    /// Its name, which is that of its Helm release and of its cluster ids too.
    pub name: String,
    pub sandbox: Sandbox,
    pub namespace: Arc<Namespace>,
    pub data: PathBuf,
}

impl Application {
    /// Installs 1.0.0 by Helm, changes its configuration and its replicas by hand, and writes its FlinkApplication.
    pub async fn installed() -> Self {
        Self::installed_for("orders").await
    }

    /// The same in a namespace whose name begins with `purpose`, so that several tests can run side by side.
    pub async fn installed_for(purpose: &str) -> Self {
        let sandbox = Sandbox::get();
        let namespace = Arc::new(sandbox.namespace(purpose));
        let data = sandbox.data.join(&namespace.name);
        let application = Self { name: "orders".to_owned(), sandbox, namespace, data };
        application.helm_install();
        let name = application.namespace.name.as_str();
        let edited = json!({"data": {"notes.txt": "edited by hand"}}).to_string();
        application.sandbox.kubectl(&[
            "-n",
            name,
            "patch",
            "configmap",
            "orders-config",
            "--type=merge",
            "-p",
            &edited,
        ]);
        application.sandbox.kubectl(&["-n", name, "scale", "deployment", "orders-taskmanager", "--replicas=2"]);
        application.sandbox.apply(name, &application.flink_application());
        application.running(2).await;
        application
    }

    /// An application of which nothing runs yet: its first deployment is Lockkeeper's.
    pub fn new_for(purpose: &str) -> Self {
        let sandbox = Sandbox::get();
        let namespace = Arc::new(sandbox.namespace(purpose));
        let data = sandbox.data.join(&namespace.name);
        let application = Self { name: "orders".to_owned(), sandbox, namespace, data };
        application.data_folder();
        application.sandbox.apply(&application.namespace.name, &application.flink_application());
        application
    }

    /// A second application in the same namespace, as Helm installs it.
    pub async fn neighbour(&self, name: &str) -> Self {
        let data = self.sandbox.data.join(format!("{}-{name}", self.namespace.name));
        let (sandbox, namespace) = (self.sandbox.clone(), Arc::clone(&self.namespace));
        let application = Self { name: name.to_owned(), sandbox, namespace, data };
        application.helm_install();
        application.sandbox.apply(&application.namespace.name, &application.flink_application());
        application.running(1).await;
        application
    }

    /// Changes the FlinkApplication's spec by a merge patch, as the platform team would.
    pub fn change(&self, spec: &Value) {
        let patch = json!({ "spec": spec }).to_string();
        let object = format!("flinkapplication/{}", self.name);
        self.sandbox.kubectl(&["-n", &self.namespace.name, "patch", &object, "--type=merge", "-p", &patch]);
    }

    /// The folder of the node that its pods write to, under a user of their own.
    fn data_folder(&self) {
        std::fs::create_dir_all(&self.data).unwrap();
        std::fs::set_permissions(&self.data, std::fs::Permissions::from_mode(0o777)).unwrap();
    }

    fn helm_install(&self) {
        self.data_folder();
        let mut helm = Command::new(&self.sandbox.helm);
        helm.args([
            "--kubeconfig",
            self.sandbox.kubeconfig.to_str().unwrap(),
            "-n",
            &self.namespace.name,
            "install",
            &self.name,
        ]);
        helm.arg(&self.sandbox.chart).args(["--set", "version=1.0.0"]);
        let output = helm.args(["--set", &format!("data.hostPath={}", self.data.display())]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn flink_application(&self) -> Value {
        let (data, name) = (self.data.to_str().unwrap(), self.name.as_str());
        json!({
            "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkApplication", "metadata": {"name": name},
            "spec": {
                "chart": {"path": self.sandbox.chart}, "values": {"data": {"hostPath": data}}, "versionValue": "version",
                "versions": ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.5.0", "1.6.0", "1.7.0", "1.8.0"],
                "jobManager": format!("{name}-jobmanager"), "taskManager": format!("{name}-taskmanager"),
                "restService": {"name": format!("{name}-rest"), "port": 8081},
                "savepoint": {"directory": format!("file://{data}/savepoints"), "timeoutSeconds": 120,
                    "localView": {"prefix": "file://", "path": ""}},
                "highAvailability": {"kubernetesClusterId": name, "clusterId": name},
                "startDeadlineSeconds": 180,
                "monitor": {"stabiliseSeconds": 5, "watchSeconds": 15, "restartsAllowed": 0, "checkpointsWanted": 2},
                "approvals": {"required": 1, "groups": ["S0PLATFORM"]}, "deployers": {"groups": ["S0PLATFORM"]},
                "channel": "C0DEPLOYS", "allow": ["hostPath"],
            },
        })
    }

    /// Waits until this many TaskManagers are there and the job has committed something.
    async fn running(&self, task_managers: u64) {
        eventually("1.0.0 runs", Duration::from_secs(900), || {
            let ready = self.deployment("taskmanager").pointer("/status/readyReplicas").and_then(Value::as_u64);
            let committed = Records::committed(&self.data).is_ok_and(|records| records.iter().count() > 40);
            (ready == Some(task_managers) && committed).then_some(())
        })
        .await;
    }

    pub fn deployment(&self, component: &str) -> Value {
        self.sandbox.get_json(&self.namespace.name, &format!("deployment/{}-{component}", self.name))
    }

    pub fn rollout(&self, name: &str) -> Value {
        self.sandbox.get_json(&self.namespace.name, &format!("flinkrollout/{name}"))
    }

    /// Types a command as alice; the name of the rollout that it started.
    pub async fn command(&self, slack: &Simulator, line: &str) -> String {
        asked::started(slack, line, async || slack.command("alice", CHANNEL, line).await.unwrap().text().to_owned())
            .await
    }

    /// The card of a rollout.
    pub async fn card(&self, slack: &Simulator, rollout: &str) -> Message {
        let ours = format!("`{rollout}`");
        let find = |view: &lockkeeper_slack_simulator::View<'_>| {
            view.channel(CHANNEL)
                .into_iter()
                .find(|message| !message.is_reply() && view.render(message).contains(&ours))
        };
        slack.wait_for("the card", ROLLOUT, find).await.unwrap()
    }

    /// The post that asks for approval.
    pub async fn approval(&self, slack: &Simulator, card: &Message) -> Message {
        let find = |view: &lockkeeper_slack_simulator::View<'_>| {
            view.thread(CHANNEL, &card.ts).into_iter().find(|message| view.render(message).contains("[Approve]"))
        };
        slack.wait_for("the approval request", ROLLOUT, find).await.unwrap()
    }

    /// Asks for a version as alice, approves it as bob, and waits for its end in the thread; the rollout and the thread.
    pub async fn deploy(&self, slack: &Simulator, version: &str) -> (Value, String) {
        let name = self.command(slack, &format!("/flink deploy orders {version}")).await;
        let card = self.card(slack, &name).await;
        let request = self.approval(slack, &card).await;
        asked::pressed(slack, "bob", &request.ts, "rollout.approve").await;
        self.ended(slack, &name, &card).await
    }

    /// Clicks a button on a rollout's card as bob, as soon as it is there.
    pub async fn click_on_card(&self, slack: &Simulator, rollout: &str, label: &str, action: &str) {
        let (ours, button) = (format!("`{rollout}`"), format!("[{label}]"));
        let find = |view: &lockkeeper_slack_simulator::View<'_>| {
            let roots = view.channel(CHANNEL).into_iter().filter(|message| !message.is_reply());
            roots.into_iter().find(|root| {
                let shown = view.render(root);
                shown.contains(&ours) && shown.contains(&button)
            })
        };
        let card = slack.wait_for("the button", Duration::from_secs(120), find).await.unwrap();
        asked::pressed(slack, "bob", &card.ts, action).await;
    }

    /// Waits for the line that says how a rollout ended, or that it halted.
    pub async fn ended(&self, slack: &Simulator, name: &str, card: &Message) -> (Value, String) {
        let ends =
            ["*Succeeded* in", "*RolledBack* in", "*Untouched* in", "*Halted* in", "*Failed* in", "*Abandoned* in"];
        let find = |view: &lockkeeper_slack_simulator::View<'_>| {
            let thread = view.render_thread(CHANNEL, &card.ts);
            ends.iter().any(|end| thread.contains(end)).then_some(thread)
        };
        let thread = slack.wait_for("the end of the rollout", ROLLOUT, find).await.unwrap();
        println!("---- {name}\n{thread}");
        (self.rollout(name), thread)
    }

    /// Counts the records once the job that runs has passed everything that went before it.
    pub async fn count(&self, job: &str, abandoned: &[(&str, Numbers)]) -> Count {
        let abandoned: Vec<Abandoned> =
            abandoned.iter().map(|(job, after)| Abandoned { job, after: after.clone() }).collect();
        let up_to = eventually("the job passes the one before", Duration::from_secs(600), || {
            let committed = Records::committed(&self.data).ok()?;
            let ours = committed.highest(job);
            let others = committed.iter().filter(|record| record.job != job);
            let mut before = Numbers::new();
            for record in others {
                let known = before.entry(record.partition).or_default();
                *known = (*known).max(record.number);
            }
            (ours.len() == 4 && passed(&ours, &before)).then_some(ours)
        })
        .await;
        // Two more checkpoints: whatever was emitted up to there is committed by then.
        eventually("two more checkpoints", Duration::from_secs(300), || {
            let now = Records::committed(&self.data).ok()?.highest(job);
            up_to
                .iter()
                .all(|(partition, number)| now.get(partition).is_some_and(|later| *later > number + 20))
                .then_some(())
        })
        .await;
        let (committed, emitted) = (Records::committed(&self.data).unwrap(), Records::emitted(&self.data).unwrap());
        count(&committed, &emitted, &up_to, &abandoned)
    }
}

/// A string of a JSON object.
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("nothing at {pointer} of {object}"))
}
