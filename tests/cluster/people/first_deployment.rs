//! The first deployment: one that does not work, one that is refused because something was there by now, and one that works.

use lockkeeper::api::{ResultKind, StartFromKind};
use serde_json::{Value, json};

use super::Scene;
use crate::support::application::text;

pub(super) async fn chain(scene: &Scene) {
    does_not_work(scene).await;
    is_not_taken_for_the_first_again(scene).await;
    works_from_nothing(scene).await;
}

/// There is nothing to go back to: it ends at 0 replicas.
async fn does_not_work(scene: &Scene) {
    println!("==== a first deployment that does not work");
    let (rollout, thread) = scene.orders.deploy(&scene.slack, "1.4.0").await;
    assert_eq!(text(&rollout, "/status/result/kind"), "Failed", "{thread}");
    assert!(thread.contains("ErrImagePull") && thread.contains("registry.invalid/orders:1.4.0"), "{thread}");
    for component in ["jobmanager", "taskmanager"] {
        let deployment = scene.orders.deployment(component);
        assert_eq!(deployment.pointer("/spec/replicas"), Some(&json!(0)), "{component}");
    }
}

async fn is_not_taken_for_the_first_again(scene: &Scene) {
    println!("==== without a word of where to start from");
    let name = scene.orders.command(&scene.slack, "/flink deploy orders 1.0.0").await;
    let result = scene.orders.settled(&name).await.result.unwrap();
    assert_eq!(result.kind, ResultKind::Untouched, "{}", result.message);
    assert_eq!(result.choices[0].start_from.from, StartFromKind::Nothing);
    scene.thread_with(&name, "*Untouched* in").await;
}

async fn works_from_nothing(scene: &Scene) {
    println!("==== from nothing, as asked");
    let (rollout, thread) = scene.orders.deploy(&scene.slack, "1.0.0 from nothing").await;
    assert_eq!(text(&rollout, "/status/result/kind"), "Succeeded", "{thread}");
    assert_eq!(rollout.pointer("/status/restorePoint"), None);
    assert_eq!(rollout.pointer("/status/job/startPath"), None);
    let job = scene.orders.running_job().await;
    assert_eq!(text(&job, "/jid"), text(&rollout, "/status/job/jobId"));
    let known = scene.orders.status();
    assert_eq!((&known["version"], known.get("parkedAt").unwrap_or(&Value::Null)), (&json!("1.0.0"), &Value::Null));
}
