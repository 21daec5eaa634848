//! The first deployment: one that fails, one that is refused because Deployments exist by now, and one that succeeds.

use lockkeeper::api::{ResultKind, StartFromKind};
use serde_json::{Value, json};

use crate::scene::Scene;
use crate::support::application::text;

pub(super) async fn chain(scene: &Scene) {
    fails(scene).await;
    needs_a_start_state(scene).await;
    succeeds_from_nothing(scene).await;
}

/// There is nothing to roll back to, so it ends at 0 replicas.
async fn fails(scene: &Scene) {
    println!("==== a first deployment that fails");
    let (rollout, thread) = scene.orders.deploy_with_approval(&scene.slack, "1.4.0").await;
    assert_eq!(text(&rollout, "/status/result/kind"), "Failed", "{thread}");
    assert!(thread.contains("ErrImagePull") && thread.contains("127.0.0.1:5000/orders:1.4.0"), "{thread}");
    for component in ["jobmanager", "taskmanager"] {
        let deployment = scene.orders.get_deployment(component);
        assert_eq!(deployment.pointer("/spec/replicas"), Some(&json!(0)), "{component}");
    }
}

/// The Deployments of the failed attempt exist, so this is no first deployment any more.
async fn needs_a_start_state(scene: &Scene) {
    println!("==== a second deployment without a start state");
    let name = scene.orders.start_rollout(&scene.slack, "/flink deploy orders 1.0.0").await;
    let result = scene.orders.wait_until_settled(&name).await.result.unwrap();
    assert_eq!(result.kind, ResultKind::Untouched, "{}", result.message);
    assert_eq!(result.choices[0].start_from.from, StartFromKind::Nothing);
    scene.wait_for_thread(&name, "*Untouched* in").await;
}

async fn succeeds_from_nothing(scene: &Scene) {
    println!("==== a deployment from nothing");
    let (rollout, thread) = scene.orders.deploy_with_approval(&scene.slack, "1.0.0 from nothing").await;
    assert_eq!(text(&rollout, "/status/result/kind"), "Succeeded", "{thread}");
    assert_eq!(rollout.pointer("/status/restorePoint"), None);
    assert_eq!(rollout.pointer("/status/job/startPath"), None);
    let job = scene.orders.wait_for_running_job().await;
    assert_eq!(text(&job, "/jid"), text(&rollout, "/status/job/jobId"));
    let status = scene.orders.get_status();
    assert_eq!((&status["version"], status.get("parkedAt").unwrap_or(&Value::Null)), (&json!("1.0.0"), &Value::Null));
}
