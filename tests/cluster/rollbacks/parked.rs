//! A rollback whose restore point cannot be read: it is parked at 0 replicas and tells people, who fix the cause and resume it, or give it up.

use std::{fs, path::PathBuf, time::Duration};

use lockkeeper::api::{Direction, FlinkRolloutStatus, ResultKind, Stage, StartFrom};
use serde_json::{Value, json};

use super::quota;
use crate::scene::Scene;
use crate::support::{
    application::text, kubernetes_users::RITA, record_ledger::RecordLedger, refused_rollouts::wait_until_released,
    sandbox::eventually,
};

pub(super) async fn chain(scene: &Scene, ledger: &mut RecordLedger) {
    resume(scene, ledger).await;
    start_by_hand(scene, ledger).await;
    give_up(scene, ledger).await;
}

/// A savepoint's folder that was moved away, so that no job can start from it.
struct HiddenFolder {
    path: PathBuf,
    aside: PathBuf,
}

impl HiddenFolder {
    fn hide(status: &FlinkRolloutStatus) -> Self {
        let uri = status.restore_point.as_ref().unwrap().path.as_str();
        let path = PathBuf::from(format!("/{}", uri.trim_start_matches("file:").trim_start_matches('/')));
        let aside = path.with_extension("aside");
        fs::rename(&path, &aside).unwrap();
        Self { path, aside }
    }

    fn put_back(self) {
        fs::rename(self.aside, self.path).unwrap();
    }
}

/// Parks a rollout: what ran before ends again and again, because it does not find its restore point.
/// A quota keeps the target from starting before the restore point is hidden.
async fn park(scene: &Scene, name: &str) -> (FlinkRolloutStatus, HiddenFolder) {
    let orders = &scene.orders;
    let replicas = orders.get_deployment("taskmanager").pointer("/spec/replicas").unwrap().clone();
    let hidden = HiddenFolder::hide(&quota::start_without_pods(scene, name).await);
    orders.decide(RITA, name, json!({"kind": "RollBack"})).unwrap();
    let back = |status: &FlinkRolloutStatus| status.direction == Direction::Back && status.stage == Stage::Verify;
    orders.wait_for_status(name, "that it turned back", back).await;
    quota::remove(scene);
    let status = orders.wait_until_settled(name).await;
    let halt = status.halt.clone().unwrap_or_else(|| panic!("{name} did not halt: {}", status.message));
    assert!(halt.parked, "{}", halt.message);
    assert!(halt.message.contains("savepoint"), "{}", halt.message);
    let commands = [("taskmanager", replicas), ("jobmanager", json!(1))].map(|(component, replicas)| {
        format!("kubectl -n {} scale deployment orders-{component} --replicas={replicas}", orders.namespace.name)
    });
    assert_eq!(halt.commands, commands);
    let thread = scene.wait_for_thread(name, "* halted in").await;
    assert!(commands.iter().all(|command| thread.contains(command)), "{thread}");
    wait_until_at_zero(scene, &status).await;
    (status, hidden)
}

/// Waits until both Deployments are at 0 replicas, with a template that starts from the restore point.
async fn wait_until_at_zero(scene: &Scene, status: &FlinkRolloutStatus) {
    let point = status.restore_point.as_ref().unwrap().path.as_str();
    eventually("0 replicas, and arguments that start from the restore point", Duration::from_secs(120), || {
        let both = ["jobmanager", "taskmanager"].map(|component| scene.orders.get_deployment(component));
        let zero = both.iter().all(|deployment| deployment.pointer("/spec/replicas") == Some(&json!(0)));
        let arguments = both[0].pointer("/spec/template/spec/containers/0/args")?.as_array()?;
        (zero && arguments.iter().any(|argument| argument.as_str() == Some(point))).then_some(())
    })
    .await;
}

async fn resume(scene: &Scene, ledger: &mut RecordLedger) {
    let name = "parked-and-resumed";
    park(scene, name).await.1.put_back();
    scene.orders.press_on_card(&scene.slack, name, "Resume", "rollout.resume").await;
    let status = scene.orders.wait_for_status(name, "its end", |status| status.result.is_some()).await;
    assert_eq!(status.result.unwrap().kind, ResultKind::RolledBack, "{}", status.message);
    ledger.count_after(&scene.orders, &status.job.unwrap().job_id).await;
}

/// A person runs the printed commands. The bot leaves what they started alone, and giving up ends the rollout with it running.
async fn start_by_hand(scene: &Scene, ledger: &mut RecordLedger) {
    let (orders, name) = (&scene.orders, "parked-and-started-by-hand");
    let (_, hidden) = park(scene, name).await;
    let at_rest = |status: &FlinkRolloutStatus| status.halt.as_ref().is_some_and(|halt| halt.at_rest.is_some());
    let status = orders.wait_for_status(name, "that it is at rest", at_rest).await;
    hidden.put_back();
    for command in &status.halt.unwrap().commands {
        let words: Vec<&str> = command.split(' ').skip(1).collect();
        orders.sandbox.kubectl(&words);
    }
    let job = text(&orders.wait_for_running_job().await, "/jid").to_owned();
    orders.press_on_card(&scene.slack, name, "Give up", "rollout.give-up").await;
    let status = orders.wait_for_status(name, "its end", |status| status.result.is_some()).await;
    assert_eq!(status.result.unwrap().kind, ResultKind::Abandoned, "{}", status.message);
    wait_until_released(&orders.sandbox, &orders.namespace, "orders").await;
    let application = orders.get_status();
    assert_eq!((application.get("parkedAt"), &application["version"]), (None, &json!("1.1.0")), "{application}");
    ledger.count_after(orders, &job).await;
}

/// After giving up, a deployment needs a start state. From the restore point no record is lost.
async fn give_up(scene: &Scene, ledger: &mut RecordLedger) {
    let (orders, name) = (&scene.orders, "parked-and-given-up");
    let (_, hidden) = park(scene, name).await;
    orders.press_on_card(&scene.slack, name, "Give up", "rollout.give-up").await;
    let status = orders.wait_for_status(name, "its end", |status| status.result.is_some()).await;
    assert_eq!(status.result.unwrap().kind, ResultKind::Abandoned, "{}", status.message);
    // The claim is released last.
    wait_until_released(&orders.sandbox, &orders.namespace, "orders").await;
    let application = orders.get_status();
    assert!(application.get("parkedAt").is_some(), "{application}");
    hidden.put_back();

    let next = orders.start_rollout(&scene.slack, "/flink deploy orders 1.1.0").await;
    let result = orders.wait_until_settled(&next).await.result.unwrap();
    assert_eq!(result.kind, ResultKind::Untouched, "{}", result.message);
    assert!(result.message.contains(&format!("Its newest restore point is {name} ")), "{}", result.message);
    assert_eq!(result.choices[0].start_from, StartFrom::restore_point(name));

    let from = json!({"from": "RestorePoint", "value": name});
    orders.request_rollout("from-the-restore-point", json!({"kind": "Deploy", "version": "1.1.0", "startFrom": from}));
    let status = orders.wait_until_settled("from-the-restore-point").await;
    assert_eq!(status.result.unwrap().kind, ResultKind::Succeeded, "{}", status.message);
    let job = status.job.unwrap();
    let points = application["restorePoints"].as_array().unwrap();
    let point = points.iter().find(|point| point["name"] == name).unwrap();
    assert_eq!(job.start_path.as_deref(), Some(text(point, "/path")));
    assert_eq!(orders.get_status().get("parkedAt").filter(|at| **at != Value::Null), None);
    ledger.count_after(orders, &job.job_id).await;
}
