//! A rollback that cannot start: parked at 0 replicas and loud, then resumed once its cause is mended, or given up.

use std::time::Duration;

use lockkeeper::api::{FlinkRolloutStatus, ResultKind, StartFrom};
use serde_json::{Value, json};

use super::Scene;
use crate::support::{application::text, ledger::Ledger, refusals::released, sandbox::eventually};

pub(super) async fn chain(scene: &Scene, ledger: &mut Ledger) {
    resumed(scene, ledger).await;
    started_by_hand(scene, ledger).await;
    given_up(scene, ledger).await;
}

/// Neither the target nor what ran before gets a pod, until `mend` is called.
async fn parked(scene: &Scene, name: &str) -> FlinkRolloutStatus {
    println!("==== {name}");
    let orders = &scene.orders;
    let namespace = orders.namespace.name.as_str();
    orders.sandbox.kubectl(&["-n", namespace, "create", "quota", "no-pods", "--hard=pods=0"]);
    eventually("the quota is in force", Duration::from_secs(120), || {
        let quota = orders.sandbox.get_json(namespace, "resourcequota/no-pods");
        quota.pointer("/status/hard/pods").map(drop)
    })
    .await;
    let replicas = orders.deployment("taskmanager").pointer("/spec/replicas").unwrap().clone();
    orders.ask(name, json!({"kind": "Deploy", "version": "1.0.0"}));
    let status = orders.settled(name).await;
    let halt = status.halt.clone().unwrap_or_else(|| panic!("{name} did not halt: {}", status.message));
    assert!(halt.parked, "{}", halt.message);
    assert!(halt.message.contains("exceeded quota: no-pods"), "{}", halt.message);
    let commands = [("taskmanager", replicas), ("jobmanager", json!(1))].map(|(component, replicas)| {
        format!("kubectl -n {namespace} scale deployment orders-{component} --replicas={replicas}")
    });
    assert_eq!(halt.commands, commands);
    let thread = scene.thread_with(name, "*Halted* in").await;
    assert!(commands.iter().all(|command| thread.contains(command)), "{thread}");
    at_zero(scene, &status).await;
    status
}

/// Both Deployments are at 0, with a template that starts from the restore point.
async fn at_zero(scene: &Scene, status: &FlinkRolloutStatus) {
    let point = status.restore_point.as_ref().unwrap().path.as_str();
    eventually("0 replicas, ready to be started by hand", Duration::from_secs(120), || {
        let both = ["jobmanager", "taskmanager"].map(|component| scene.orders.deployment(component));
        let zero = both.iter().all(|deployment| deployment.pointer("/spec/replicas") == Some(&json!(0)));
        let arguments = both[0].pointer("/spec/template/spec/containers/0/args")?.as_array()?;
        (zero && arguments.iter().any(|argument| argument.as_str() == Some(point))).then_some(())
    })
    .await;
}

fn mend(scene: &Scene) {
    scene.orders.sandbox.kubectl(&["-n", &scene.orders.namespace.name, "delete", "quota", "no-pods"]);
}

async fn resumed(scene: &Scene, ledger: &mut Ledger) {
    let name = "parked-and-resumed";
    parked(scene, name).await;
    mend(scene);
    scene.orders.click_on_card(&scene.slack, name, "Resume", "rollout.resume").await;
    let status = scene.orders.shows(name, "its end", |status| status.result.is_some()).await;
    assert_eq!(status.result.unwrap().kind, ResultKind::RolledBack, "{}", status.message);
    ledger.went_on(&scene.orders, &status.job.unwrap().job_id).await;
}

/// A person runs the printed commands: what they started is left alone, and giving up ends the rollout with it running.
async fn started_by_hand(scene: &Scene, ledger: &mut Ledger) {
    let (orders, name) = (&scene.orders, "parked-and-started-by-hand");
    parked(scene, name).await;
    let at_rest = |status: &FlinkRolloutStatus| status.halt.as_ref().is_some_and(|halt| halt.at_rest.is_some());
    let status = orders.shows(name, "that it is at rest", at_rest).await;
    mend(scene);
    for command in &status.halt.unwrap().commands {
        let words: Vec<&str> = command.split(' ').skip(1).collect();
        orders.sandbox.kubectl(&words);
    }
    let job = text(&orders.running_job().await, "/jid").to_owned();
    orders.click_on_card(&scene.slack, name, "Give up", "rollout.give-up").await;
    let status = orders.shows(name, "its end", |status| status.result.is_some()).await;
    assert_eq!(status.result.unwrap().kind, ResultKind::Abandoned, "{}", status.message);
    released(&orders.sandbox, &orders.namespace, "orders").await;
    let known = orders.status();
    assert_eq!((known.get("parkedAt"), &known["version"]), (None, &json!("1.1.0")), "{known}");
    ledger.went_on(orders, &job).await;
}

/// After giving up, the next deploy asks where to start from; from the restore point it goes on as if nothing had been.
async fn given_up(scene: &Scene, ledger: &mut Ledger) {
    let (orders, name) = (&scene.orders, "parked-and-given-up");
    parked(scene, name).await;
    orders.click_on_card(&scene.slack, name, "Give up", "rollout.give-up").await;
    let status = orders.shows(name, "its end", |status| status.result.is_some()).await;
    assert_eq!(status.result.unwrap().kind, ResultKind::Abandoned, "{}", status.message);
    // The claim goes last.
    released(&orders.sandbox, &orders.namespace, "orders").await;
    let known = orders.status();
    assert!(known.get("parkedAt").is_some(), "{known}");
    mend(scene);

    let next = orders.command(&scene.slack, "/flink deploy orders 1.1.0").await;
    let result = orders.settled(&next).await.result.unwrap();
    assert_eq!(result.kind, ResultKind::Untouched, "{}", result.message);
    assert!(result.message.contains(&format!("Its newest restore point is {name} ")), "{}", result.message);
    assert_eq!(result.choices[0].start_from, StartFrom::restore_point(name));

    let from = json!({"from": "RestorePoint", "value": name});
    orders.ask("from-the-restore-point", json!({"kind": "Deploy", "version": "1.1.0", "startFrom": from}));
    let status = orders.settled("from-the-restore-point").await;
    assert_eq!(status.result.unwrap().kind, ResultKind::Succeeded, "{}", status.message);
    let job = status.job.unwrap();
    let points = known["restorePoints"].as_array().unwrap();
    let point = points.iter().find(|point| point["name"] == name).unwrap();
    assert_eq!(job.start_path.as_deref(), Some(text(point, "/path")));
    assert_eq!(orders.status().get("parkedAt").filter(|at| **at != Value::Null), None);
    ledger.went_on(orders, &job.job_id).await;
}
