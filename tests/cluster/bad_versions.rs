//! Versions that are bad, each in its own way: every one is found out, the version before is back as it was, from the restore
//! point, and the thread says why in words that help. Goes on with the application of `adoption`.

use std::{collections::BTreeSet, time::Duration};

use lockkeeper::flink::same_path;
use lockkeeper_slack_simulator::Simulator;
use serde_json::{Value, json};

use crate::{
    adoption::{mounted_config, template},
    support::{
        application::{Application, text},
        records::{Numbers, Records},
        sandbox::eventually,
    },
};

/// What a rollout must bring back as it was.
pub struct Before {
    pub deployments: [Value; 2],
    service: Value,
}

/// Rollouts one after the other on one application.
pub struct Chain<'a> {
    pub orders: &'a Application,
    pub slack: &'a Simulator,
    /// Id of the job that runs.
    pub job: String,
    /// Every job that ever emitted a record.
    known: BTreeSet<String>,
    /// Jobs of versions that failed, each with what had been committed before it.
    given_up: Vec<(String, Numbers)>,
}

impl<'a> Chain<'a> {
    pub fn new(orders: &'a Application, slack: &'a Simulator, job: String) -> Self {
        let known = jobs(&Records::emitted(&orders.data).unwrap());
        Self { orders, slack, job, known, given_up: Vec::new() }
    }

    /// Every bad version of the sample application that gets as far as being started.
    pub async fn bad_versions(&mut self) {
        self.comes_back("1.2.0", &["restarts", "No price for order"]).await;
        let why = self.comes_back("1.3.0", &["Cannot map checkpoint/savepoint state for operator"]).await;
        // The JobManager shows the job as FAILED for less than a second before it exits: either may be seen.
        let seen = ["exit code 2", "the job is FAILED"].iter().any(|words| why.contains(words));
        assert!(seen, "{why}");
        self.comes_back("1.4.0", &["ErrImagePull", "registry.invalid/orders:1.4.0"]).await;
        self.comes_back(
            "1.5.0",
            &["0 of 2 wanted checkpoints", " failed, the last one because", "IO-problem detected"],
        )
        .await;
        // This one is found out by its start deadline alone.
        self.patch(&json!({"spec": {"startDeadlineSeconds": 120}}));
        self.comes_back("1.7.0", &["needs 8 slots", "offer 4", "within 120 s"]).await;
        self.patch(&json!({"spec": {"startDeadlineSeconds": 180}}));
        self.comes_back("1.8.0", &["the job FINISHED"]).await;
    }

    /// Rolls a version out that must come back by itself; `words` are in the thread. Why it came back.
    pub async fn comes_back(&mut self, version: &str, words: &[&str]) -> String {
        let before = self.before();
        let (rollout, thread) = self.orders.deploy(self.slack, version).await;
        assert!(rollout["spec"]["decisions"].as_array().unwrap().iter().all(|said| said["kind"] == "Approve"));
        self.is_back(&before, &rollout, &thread);
        let failure = text(&rollout, "/status/failure/message").to_owned();
        for word in words {
            assert!(failure.contains(word), "{version}: no {word:?} in: {failure}");
            assert!(thread.contains(word), "{version}: no {word:?} in the thread:\n{thread}");
        }
        self.an_event_for_each_stage(&rollout).await;
        self.kubectl_tells(&rollout);
        self.nothing_is_missing(version, &rollout).await;
        failure
    }

    pub fn before(&self) -> Before {
        let deployments = ["jobmanager", "taskmanager"].map(|component| self.orders.deployment(component));
        Before { deployments, service: self.get("service/orders-rest") }
    }

    /// The version before is back as it was: objects, replicas, a fresh job, restored from exactly the restore point.
    pub fn is_back(&self, before: &Before, rollout: &Value, thread: &str) {
        assert_eq!(text(rollout, "/status/result/kind"), "RolledBack", "{thread}");
        let after = self.before();
        for (before, after) in before.deployments.iter().zip(&after.deployments) {
            assert_eq!(template(before), template(after));
            assert_eq!(before.pointer("/spec/replicas"), after.pointer("/spec/replicas"));
            assert_eq!(after.pointer("/status/readyReplicas"), after.pointer("/spec/replicas"));
        }
        assert_eq!(before.service["spec"], after.service["spec"]);
        assert_eq!(before.service["metadata"]["labels"], after.service["metadata"]["labels"]);
        let config = mounted_config(&after.deployments[1]);
        assert_eq!(config, mounted_config(&before.deployments[1]));
        assert!(!self.get(&format!("configmap/{config}"))["data"].to_string().contains("web.refresh-interval"));

        let job = text(rollout, "/status/job/jobId");
        assert_ne!(job, self.job, "a fresh job id");
        let jobs = self.flink("/jobs/overview");
        let [running] = jobs["jobs"].as_array().unwrap().as_slice() else { panic!("not one job: {jobs}") };
        assert_eq!((text(running, "/jid"), text(running, "/state")), (job, "RUNNING"));
        let checkpoints = self.flink(&format!("/jobs/{job}/checkpoints"));
        let (restored, point) =
            (text(&checkpoints, "/latest/restored/external_path"), text(rollout, "/status/restorePoint/path"));
        assert!(same_path(restored, point), "restored from {restored} instead of {point}");
    }

    /// Counts the records, and remembers which job runs now and which one failed.
    pub async fn nothing_is_missing(&mut self, what: &str, rollout: &Value) {
        let running = text(rollout, "/status/job/jobId");
        let before = Records::committed(&self.orders.data).unwrap().highest(&self.job);
        for job in jobs(&Records::emitted(&self.orders.data).unwrap()) {
            if self.known.insert(job.clone()) && job != running {
                self.given_up.push((job, before.clone()));
            }
        }
        self.job = running.to_owned();
        let given_up: Vec<(&str, Numbers)> =
            self.given_up.iter().map(|(job, after)| (job.as_str(), after.clone())).collect();
        let counted = self.orders.count(&self.job, &given_up).await;
        println!("{what}: {counted:?}");
        assert_eq!(counted.missing, 0, "{what}: {counted:?}");
        assert_eq!(counted.doubled, counted.expected_doubled, "{what}: {counted:?}");
    }

    /// `kubectl get events` shows each stage in both directions, and the end.
    async fn an_event_for_each_stage(&self, rollout: &Value) {
        let stages = rollout.pointer("/status/stages").unwrap().as_array().unwrap();
        let said = |stage: &Value| (text(stage, "/direction").to_owned(), text(stage, "/stage").replace(' ', ""));
        let mut wanted: BTreeSet<(String, String)> = stages.iter().map(said).collect();
        wanted.insert(("Back".to_owned(), "RolledBack".to_owned()));
        // An Event is published after what it tells was written.
        eventually(&format!("the Events {wanted:?}"), Duration::from_secs(60), || {
            (self.events_of(rollout) == wanted).then_some(())
        })
        .await;
    }

    /// Direction and phase of a rollout's Events, but for those that a busy API server brings about.
    fn events_of(&self, rollout: &Value) -> BTreeSet<(String, String)> {
        let all = self.get("events.events.k8s.io");
        let ours = all["items"].as_array().unwrap().iter().filter(|event| {
            event.pointer("/regarding/uid") == rollout.pointer("/metadata/uid")
                && event["reportingController"] == "lockkeeper"
                && event["reason"] != "ReconcileFailed"
        });
        ours.map(|event| (text(event, "/action").to_owned(), text(event, "/reason").to_owned())).collect()
    }

    /// `kubectl get flinkapplications,flinkrollouts` tells version, phase and result.
    fn kubectl_tells(&self, rollout: &Value) {
        let shown = self.kubectl(&["get", "flinkapplications,flinkrollouts"]);
        let (name, to) = (text(rollout, "/metadata/name"), text(rollout, "/spec/request/version"));
        let line = |begins: &str| {
            shown.lines().find(|line| line.contains(begins)).unwrap_or_else(|| panic!("no {begins} in\n{shown}"))
        };
        let application = line("flinkapplication.lockkeeper.dev/orders ");
        assert!(application.contains(" 1.1.0 "), "{shown}");
        let rollout = line(&format!("/{name} "));
        for word in ["orders", "1.1.0", to, "RolledBack"] {
            assert!(rollout.split_whitespace().any(|shown| shown == word), "no {word} in\n{shown}");
        }
    }

    pub fn patch(&self, patch: &Value) {
        self.kubectl(&["patch", "flinkapplication", "orders", "--type=merge", "-p", &patch.to_string()]);
    }

    pub fn kubectl(&self, arguments: &[&str]) -> String {
        let mut all = vec!["-n", self.orders.namespace.name.as_str()];
        all.extend(arguments);
        self.orders.sandbox.kubectl(&all)
    }

    pub fn get(&self, what: &str) -> Value {
        self.orders.sandbox.get_json(&self.orders.namespace.name, what)
    }

    /// An answer of Flink's own.
    pub fn flink(&self, path: &str) -> Value {
        let service = format!("/api/v1/namespaces/{}/services/orders-rest:8081/proxy", self.orders.namespace.name);
        serde_json::from_str(&self.orders.sandbox.kubectl(&["get", "--raw", &format!("{service}{path}")])).unwrap()
    }
}

fn jobs(records: &Records) -> BTreeSet<String> {
    records.iter().map(|record| record.job.clone()).collect()
}
