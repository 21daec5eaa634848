//! Something in Flink's place that answers nonsense, 503 or nothing: no plan is made, nothing is touched, and the answer says what
//! came instead.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    bot::{Bot, simulator},
    refusals::{application, deploy, objects, refused, released},
    sandbox::{Namespace, Sandbox, eventually},
};

/// A pod has this long to serve; only a real failure reaches it.
const STARTED: Duration = Duration::from_secs(240);

/// Answers every request on Flink's REST port with the status line and body of its arguments; without them with nothing, ever.
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
                // Whoever asked did not wait.
            }
        }
    }
}
"#;

/// What is in Flink's place, and what it answers.
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

/// So often in a row an impostor that answers does not keep the bot waiting.
const ATTEMPTS: usize = 4;

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

/// An application in whose JobManager's place a server of ours runs.
fn impostor(sandbox: &Sandbox, namespace: &Namespace, name: &str, arguments: &[&str]) {
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": format!("{name}-rest")},
        "spec": {"selector": {"app": name, "component": "jobmanager"}, "ports": [{"port": 8081}]},
    });
    let chart = sandbox.chart.to_str().unwrap();
    for object in [
        workload(name, "jobmanager", 1, arguments),
        workload(name, "taskmanager", 0, arguments),
        service,
        application(name, chart, &json!({})),
    ] {
        sandbox.apply(&namespace.name, &object);
    }
}

fn serves(sandbox: &Sandbox, namespace: &Namespace, name: &str) -> Option<()> {
    let deployment = sandbox.get_json(&namespace.name, &format!("deployment/{name}-jobmanager"));
    (deployment.pointer("/status/readyReplicas") == Some(&json!(1))).then_some(())
}

/// The deadline of Plan is minutes away; it is brought forward, as the bot's own account may.
fn past_its_deadline(sandbox: &Sandbox, namespace: &Namespace, rollout: &str) {
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

/// Waits until a rollout holds the claim, so that it asks Flink.
async fn asking(sandbox: &Sandbox, namespace: &Namespace, rollout: &str) {
    eventually(&format!("{rollout} holds the claim"), STARTED, || {
        let rollout = sandbox.get_json(&namespace.name, &format!("flinkrollout/{rollout}"));
        rollout.pointer("/status/revision").map(drop)
    })
    .await;
}

/// Brings forward the deadline of a rollout that was asked for; what it says when it is given up.
async fn given_up(sandbox: &Sandbox, namespace: &Namespace, name: &str, rollout: &str) -> String {
    asking(sandbox, namespace, rollout).await;
    let seen = sandbox.get_json(&namespace.name, &format!("flinkrollout/{rollout}"));
    assert!(seen.pointer("/status/result").is_none(), "{name} was given up before its deadline: {seen}");
    past_its_deadline(sandbox, namespace, rollout);
    let message = refused(sandbox, namespace, rollout, STARTED).await;
    released(sandbox, namespace, name).await;
    message
}

/// The same, asked for anew as long as the last look fell into a pause of this machine: what it says is that of the last look alone.
async fn given_up_for_what_came(sandbox: &Sandbox, namespace: &Namespace, name: &str) -> String {
    let mut message = given_up(sandbox, namespace, name, &format!("{name}-1")).await;
    for attempt in 2..=ATTEMPTS {
        if name == SILENT || !message.contains("no answer within") {
            break;
        }
        let rollout = format!("{name}-{attempt}");
        sandbox.apply(&namespace.name, &deploy(sandbox, &rollout, name, "1.1.0"));
        message = given_up(sandbox, namespace, name, &rollout).await;
    }
    message
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_flink_is_not_believed() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("impostors");
    sandbox.apply(&namespace.name, &json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "impostor"}, "data": {"Impostor.java": SERVER},
    }));
    for (name, arguments) in IMPOSTORS {
        impostor(&sandbox, &namespace, name, arguments);
    }
    for (name, _) in IMPOSTORS {
        eventually(&format!("{name} serves"), STARTED, || serves(&sandbox, &namespace, name)).await;
    }
    let before = objects(&sandbox, &namespace);
    let slack = simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    for (name, _) in IMPOSTORS {
        sandbox.apply(&namespace.name, &deploy(&sandbox, &format!("{name}-1"), name, "1.1.0"));
    }
    let mut said = Vec::new();
    for (name, _) in IMPOSTORS {
        let message = given_up_for_what_came(&sandbox, &namespace, name).await;
        said.push(format!("{name}: {message}"));
    }
    assert_eq!(objects(&sandbox, &namespace), before);
    insta::assert_snapshot!(said.join("\n\n"));
    bot.stop().await;
}
