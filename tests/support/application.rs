//! The sample application as a team runs it: installed by Helm, changed by hand, then handed over to Lockkeeper.

use std::{os::unix::fs::PermissionsExt as _, path::PathBuf, process::Command, sync::Arc, time::Duration};

use lockkeeper_slack_simulator::{Message, Simulator, View};
use serde_json::{Value, json};

use crate::support::{
    bot::CHANNEL,
    fixtures::flink_application::flink_application,
    records::{Abandoned, Count, Numbers, Records, count, passed},
    sandbox::{Namespace, Sandbox, eventually},
    slack_user,
};

/// Only a real failure reaches this timeout.
pub const ROLLOUT_TIMEOUT: Duration = Duration::from_secs(900);
/// The sample job writes to this many partitions.
const PARTITIONS: usize = 4;

pub struct Application {
    /// Also the name of its Helm release and its cluster ids.
    pub name: String,
    pub sandbox: Sandbox,
    pub namespace: Arc<Namespace>,
    /// The node's folder that its pods write to.
    pub data: PathBuf,
}

impl Application {
    /// Installs 1.0.0 by Helm, changes its configuration and replicas by hand, and applies its FlinkApplication.
    /// The name of its namespace begins with `purpose`, so that several tests can run side by side.
    pub async fn install(purpose: &str) -> Self {
        let application = Self::in_new_namespace(purpose);
        application.install_by_helm();
        let edited = json!({"data": {"notes.txt": "edited by hand"}}).to_string();
        application.kubectl(&["patch", "configmap", "orders-config", "--type=merge", "-p", &edited]);
        application.kubectl(&["scale", "deployment", "orders-taskmanager", "--replicas=2"]);
        application.apply(&application.flink_application());
        application.wait_until_running(2).await;
        application
    }

    /// The application `orders` without any object of its own.
    pub fn in_new_namespace(purpose: &str) -> Self {
        let sandbox = Sandbox::get();
        let namespace = Arc::new(sandbox.namespace(purpose));
        let data = sandbox.data.join(&namespace.name);
        Self { name: "orders".to_owned(), sandbox, namespace, data }
    }

    /// Creates the folder that its pods write to. They run as another user.
    pub fn create_data_folder(&self) {
        std::fs::create_dir_all(&self.data).unwrap();
        std::fs::set_permissions(&self.data, std::fs::Permissions::from_mode(0o777)).unwrap();
    }

    pub fn install_by_helm(&self) {
        self.create_data_folder();
        let mut helm = Command::new(&self.sandbox.helm);
        helm.arg("--kubeconfig").arg(&self.sandbox.kubeconfig).args(["-n", &self.namespace.name]);
        helm.args(["install", &self.name]).arg(&self.sandbox.chart).args(["--set", "version=1.0.0"]);
        let output = helm.args(["--set", &format!("data.hostPath={}", self.data.display())]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn flink_application(&self) -> Value {
        let (data, name) = (self.data.to_str().unwrap(), self.name.as_str());
        flink_application(
            name,
            &self.sandbox.chart,
            &json!({
                "values": {"data": {"hostPath": data}},
                "versions": ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.5.0", "1.6.0", "1.7.0", "1.8.0"],
                "restService": {"name": format!("{name}-rest"), "port": 8081},
                "savepoint": {"directory": format!("file://{data}/savepoints"), "timeoutSeconds": 120,
                    "localView": {"prefix": "file://", "path": ""}},
                "startDeadlineSeconds": 180,
                "monitor": {"stabiliseSeconds": 5, "watchSeconds": 15, "restartsAllowed": 0, "checkpointsWanted": 2},
                "approvals": {"required": 1, "groups": ["S0PLATFORM"]}, "allow": ["hostPath"],
            }),
        )
    }

    /// Waits until this many TaskManagers are ready and the job has committed some records.
    pub async fn wait_until_running(&self, task_managers: u64) {
        eventually("1.0.0 runs", Duration::from_secs(900), || {
            let ready = self.get_deployment("taskmanager").pointer("/status/readyReplicas").and_then(Value::as_u64);
            let committed = Records::committed(&self.data).is_ok_and(|records| records.iter().count() > 40);
            (ready == Some(task_managers) && committed).then_some(())
        })
        .await;
    }

    /// Runs kubectl in the application's namespace.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        self.sandbox.kubectl(&[&["-n", &self.namespace.name], arguments].concat())
    }

    pub fn apply(&self, object: &Value) {
        self.sandbox.apply(&self.namespace.name, object);
    }

    /// An object of its namespace.
    pub fn get(&self, what: &str) -> Value {
        self.sandbox.get_json(&self.namespace.name, what)
    }

    pub fn get_deployment(&self, component: &str) -> Value {
        self.get(&format!("deployment/{}-{component}", self.name))
    }

    pub fn get_rollout(&self, name: &str) -> Value {
        self.get(&format!("flinkrollout/{name}"))
    }

    /// Types a command as alice. Returns the name of the rollout that it started.
    pub async fn start_rollout(&self, slack: &Simulator, line: &str) -> String {
        let run_command = async || slack.command("alice", CHANNEL, line).await.unwrap().text().to_owned();
        slack_user::start_rollout(slack, line, run_command).await
    }

    /// Waits for the card of a rollout.
    pub async fn wait_for_card(&self, slack: &Simulator, rollout: &str) -> Message {
        let quoted = format!("`{rollout}`");
        let find = |view: &View<'_>| {
            view.channel(CHANNEL)
                .into_iter()
                .find(|message| !message.is_reply() && view.render(message).contains(&quoted))
        };
        slack.wait_for("the card", ROLLOUT_TIMEOUT, find).await.unwrap()
    }

    /// Waits for the post that asks for approval.
    pub async fn wait_for_approval_request(&self, slack: &Simulator, card: &Message) -> Message {
        let find = |view: &View<'_>| {
            view.thread(CHANNEL, &card.ts).into_iter().find(|message| view.render(message).contains("[Approve]"))
        };
        slack.wait_for("the approval request", ROLLOUT_TIMEOUT, find).await.unwrap()
    }

    /// Waits until the thread says that a rollout ended or halted. Returns the rollout and the thread.
    pub async fn wait_for_end(&self, slack: &Simulator, name: &str, card: &Message) -> (Value, String) {
        let ends =
            ["*Succeeded* in", "*RolledBack* in", "*Untouched* in", "* halted in", "*Failed* in", "*Abandoned* in"];
        let find = |view: &View<'_>| {
            let thread = view.render_thread(CHANNEL, &card.ts);
            ends.iter().any(|end| thread.contains(end)).then_some(thread)
        };
        let thread = slack.wait_for("the end of the rollout", ROLLOUT_TIMEOUT, find).await.unwrap();
        println!("---- {name}\n{thread}");
        (self.get_rollout(name), thread)
    }

    /// Counts the records once the running job has passed all earlier jobs.
    pub async fn count_records(&self, job: &str, abandoned: &[(&str, Numbers)]) -> Count {
        let abandoned: Vec<Abandoned> =
            abandoned.iter().map(|(job, after)| Abandoned { job, after: after.clone() }).collect();
        let up_to = eventually("the job passes the earlier ones", Duration::from_secs(600), || {
            let committed = Records::committed(&self.data).ok()?;
            let ours = committed.highest(job);
            let mut earlier = Numbers::new();
            for record in committed.iter().filter(|record| record.job != job) {
                let highest = earlier.entry(record.partition).or_default();
                *highest = (*highest).max(record.number);
            }
            (ours.len() == PARTITIONS && passed(&ours, &earlier)).then_some(ours)
        })
        .await;
        // After two more checkpoints everything that was emitted up to these numbers is committed.
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
