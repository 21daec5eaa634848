//! A server in Flink's place that answers nonsense, 503 or nothing. No plan is made, nothing changes, and the message says what it
//! answered.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    bot::Bot,
    fixtures::{flink_application::flink_application, flink_rollout::deploy_request},
    refused_rollouts::{list_objects, wait_until_released, wait_until_untouched},
    sandbox::{Namespace, Sandbox, eventually},
    simulator::start_simulator,
};

/// Only a real failure reaches this timeout.
const START_TIMEOUT: Duration = Duration::from_secs(240);

/// Answers every request on Flink's REST port with the status line and body of its arguments. Without arguments it never answers.
const SERVER: &str = r#"
import java.io.*;
import java.net.*;
import java.nio.charset.StandardCharsets;
import java.util.*;

public class Impostor {
    public static void main(String[] args) throws Exception {
        List<Socket> held = new ArrayList<>();
        ServerSocket server = new ServerSocket(8081, 64);
        while (true) {
            Socket client = server.accept();
            if (args.length == 0) { held.add(client); continue; }
            try (client) {
                BufferedReader in = new BufferedReader(new InputStreamReader(client.getInputStream()));
                for (String line = in.readLine(); line != null && !line.isEmpty(); ) line = in.readLine();
                String head = "HTTP/1.1 " + args[0] + "\r\nContent-Length: " + args[1].length() + "\r\nConnection: close\r\n\r\n";
                client.getOutputStream().write((head + args[1]).getBytes(StandardCharsets.US_ASCII));
            } catch (IOException gone) {
                // The client did not wait.
            }
        }
    }
}
"#;

/// The servers in Flink's place, with their answers.
const IMPOSTORS: [(&str, &[&str]); 5] = [
    ("page", &["200 OK", "<html>It works!</html>"]),
    ("other-json", &["200 OK", r#"{"jobs":"all fine"}"#]),
    (
        "unavailable",
        &[
            "503 Service Unavailable",
            r#"{"errors":["Service temporarily unavailable due to an ongoing leader election."]}"#,
        ],
    ),
    ("broken", &["500 Internal Server Error", r#"{"errors":["Internal server error."]}"#]),
    (SILENT, &[]),
];
const SILENT: &str = "silent";

/// A busy machine does not delay the answer this often in a row.
const MAX_ATTEMPTS: usize = 4;

fn workload(name: &str, component: &str, replicas: u32, arguments: &[&str]) -> Value {
    let labels = json!({"app": name, "component": component});
    // The image has the Java compiler, so a source file runs as it is.
    let mut command = vec!["/opt/java/bin/java", "-XX:TieredStopAtLevel=1", "/impostor/Impostor.java"];
    command.extend(arguments);
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": format!("{name}-{component}")},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
            "terminationGracePeriodSeconds": 1,
            "volumes": [{"name": "impostor", "configMap": {"name": "impostor"}}],
            "containers": [{
                "name": "main", "image": "sandbox.invalid/orders:1.0.0", "imagePullPolicy": "IfNotPresent", "command": command,
                "volumeMounts": [{"name": "impostor", "mountPath": "/impostor"}],
                "readinessProbe": {"tcpSocket": {"port": 8081}, "periodSeconds": 1},
            }],
        }}},
    })
}

/// An application whose JobManager is our server.
fn apply_impostor(sandbox: &Sandbox, namespace: &Namespace, name: &str, arguments: &[&str]) {
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": format!("{name}-rest")},
        "spec": {"selector": {"app": name, "component": "jobmanager"}, "ports": [{"port": 8081}]},
    });
    let chart = &sandbox.chart;
    for object in [
        workload(name, "jobmanager", 1, arguments),
        workload(name, "taskmanager", 0, arguments),
        service,
        flink_application(name, chart, &json!({})),
    ] {
        sandbox.apply(&namespace.name, &object);
    }
}

fn is_ready(sandbox: &Sandbox, namespace: &Namespace, name: &str) -> Option<()> {
    let deployment = sandbox.get_json(&namespace.name, &format!("deployment/{name}-jobmanager"));
    (deployment.pointer("/status/readyReplicas") == Some(&json!(1))).then_some(())
}

/// Ends the wait for the deadline of Plan by a write with the bot's account.
fn move_deadline_to_the_past(sandbox: &Sandbox, namespace: &Namespace, rollout: &str) {
    let patch = json!({"status": {"deadline": "2026-01-01T00:00:00Z"}}).to_string();
    sandbox.kubectl(&[
        "-n",
        &namespace.name,
        "--as=system:serviceaccount:lockkeeper:lockkeeper",
        "patch",
        "flinkrollout",
        rollout,
        "--subresource=status",
        "--type=merge",
        "-p",
        &patch,
    ]);
}

/// Waits until a rollout holds the claim. From then on it queries Flink.
async fn wait_until_claimed(sandbox: &Sandbox, namespace: &Namespace, rollout: &str) {
    eventually(&format!("{rollout} holds the claim"), START_TIMEOUT, || {
        let rollout = sandbox.get_json(&namespace.name, &format!("flinkrollout/{rollout}"));
        rollout.pointer("/status/revision").map(drop)
    })
    .await;
}

/// Ends a rollout by its deadline. Returns the message of its end.
async fn end_by_deadline(sandbox: &Sandbox, namespace: &Namespace, name: &str, rollout: &str) -> String {
    wait_until_claimed(sandbox, namespace, rollout).await;
    let rollout_now = sandbox.get_json(&namespace.name, &format!("flinkrollout/{rollout}"));
    assert!(rollout_now.pointer("/status/result").is_none(), "{name} ended before its deadline: {rollout_now}");
    move_deadline_to_the_past(sandbox, namespace, rollout);
    let message = wait_until_untouched(sandbox, namespace, rollout, START_TIMEOUT).await;
    wait_until_released(sandbox, namespace, name).await;
    message
}

/// The same. The message is about the last query alone, so a query that a busy machine delayed is repeated with a new rollout.
async fn end_by_deadline_after_an_answer(sandbox: &Sandbox, namespace: &Namespace, name: &str) -> String {
    let mut message = end_by_deadline(sandbox, namespace, name, &format!("{name}-1")).await;
    for attempt in 2..=MAX_ATTEMPTS {
        if name == SILENT || !message.contains("no answer within") {
            break;
        }
        let rollout = format!("{name}-{attempt}");
        sandbox.apply(&namespace.name, &deploy_request(sandbox, &rollout, name, "1.1.0"));
        message = end_by_deadline(sandbox, namespace, name, &rollout).await;
    }
    message
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_are_not_from_flink_make_no_plan() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("impostors");
    sandbox.apply(&namespace.name, &json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "impostor"}, "data": {"Impostor.java": SERVER},
    }));
    for (name, arguments) in IMPOSTORS {
        apply_impostor(&sandbox, &namespace, name, arguments);
    }
    for (name, _) in IMPOSTORS {
        eventually(&format!("{name} serves"), START_TIMEOUT, || is_ready(&sandbox, &namespace, name)).await;
    }
    let before = list_objects(&sandbox, &namespace);
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    for (name, _) in IMPOSTORS {
        sandbox.apply(&namespace.name, &deploy_request(&sandbox, &format!("{name}-1"), name, "1.1.0"));
    }
    let mut messages = Vec::new();
    for (name, _) in IMPOSTORS {
        let message = end_by_deadline_after_an_answer(&sandbox, &namespace, name).await;
        messages.push(format!("{name}: {message}"));
    }
    assert_eq!(list_objects(&sandbox, &namespace), before);
    insta::assert_snapshot!(messages.join("\n\n"));
    bot.stop().await;
}
