//! The main job, whole: a good version goes in and takes over what ran before, bad ones come back by themselves.

use serde_json::Value;

use crate::{
    bad_versions::Chain,
    probes,
    support::{
        application::{Application, ROLLOUT, text},
        bot::{Bot, simulator},
        page::Page,
        records::Records,
    },
};

/// A pod template without what every start sets anew.
pub fn template(deployment: &Value) -> Value {
    let template = deployment.pointer("/spec/template").unwrap();
    let mut plain = lockkeeper::bake::without_start(template);
    plain["metadata"]["creationTimestamp"] = Value::Null;
    plain
}

pub fn mounted_config(deployment: &Value) -> String {
    let volumes = deployment.pointer("/spec/template/spec/volumes").unwrap().as_array().unwrap();
    volumes.iter().find_map(|volume| volume.pointer("/configMap/name")?.as_str()).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_version_goes_in_and_bad_ones_come_back() {
    let orders = Application::installed().await;
    let slack = simulator().await;
    let bot = Bot::start(&orders.sandbox, &orders.namespace.name, &slack).await;

    probes::hold_for_the_good_version(&orders);
    let job = good_version(&orders, &slack).await;
    refused_at_plan(&orders, &slack, &job).await;
    let mut chain = Chain::new(&orders, &slack, job);
    chain.bad_versions().await;
    chain.comes_back_when_told().await;
    chain.unhealthy_before_and_after().await;
    chain.wrong_ids().await;
    bot.stop().await;
}

/// 1.1.0, by people at the page, takes over what Helm installed: nothing that it dropped is left, nothing is lost and nothing doubled.
async fn good_version(orders: &Application, slack: &lockkeeper_slack_simulator::Simulator) -> String {
    let old_job = Records::emitted(&orders.data).unwrap().iter().next().unwrap().job.clone();
    let page = Page::open(slack).await;
    page.act_as("U0ALICE").await;
    let name = page.start(slack, "/flink deploy orders 1.1.0 faster checkpoints").await;
    page.open_thread(&name).await;
    page.press("rollout.approve").await;
    page.told("somebody else has to approve").await;
    page.act_as("U0BOB").await;
    page.press("rollout.approve").await;
    page.says("Succeeded in", ROLLOUT).await;
    page.photograph("thread", &orders.data).await;
    let card = orders.card(slack, &name).await;
    let (rollout, thread) = orders.ended(slack, &name, &card).await;

    assert_eq!(text(&rollout, "/status/result/kind"), "Succeeded", "{thread}");
    assert_eq!(text(&rollout, "/status/plan/fromVersion"), "1.0.0");
    for stage in ["Plan", "Approve", "Savepoint", "Stop", "Deploy", "Verify"] {
        assert!(thread.contains(&format!("✓ *{stage}*")), "{stage} is not in the thread:\n{thread}");
    }
    // A JobManager that ends in time has removed its metadata itself.
    let cleared = ["✓ *Clear HA*", "– *Clear HA* not needed"].iter().any(|line| thread.contains(line));
    assert!(cleared, "Clear HA is not in the thread:\n{thread}");
    probes::held(orders, &rollout);
    let task_manager = orders.deployment("taskmanager");
    let rendered = task_manager.to_string();
    for dropped in ["ORDERS_REGION", "/scratch"] {
        assert!(!rendered.contains(&format!("\"{dropped}\"")), "{dropped} is still there");
    }
    let config = mounted_config(&task_manager);
    assert_eq!(config, "orders-config-v001");
    let config = orders.sandbox.get_json(&orders.namespace.name, &format!("configmap/{config}"));
    assert!(!config.to_string().contains("web.refresh-interval"));
    assert_eq!(task_manager.pointer("/metadata/annotations/lockkeeper.dev~1previous-replicas").unwrap(), "2");

    let job = text(&rollout, "/status/job/jobId").to_owned();
    assert_ne!(job, old_job);
    let counted = orders.count(&job, &[]).await;
    assert_eq!((counted.missing, counted.doubled), (0, 0), "{counted:?}");
    job
}

/// 1.6.0 has an option that would swallow `--fromSavepoint`: it is refused by name, and the job never notices.
async fn refused_at_plan(orders: &Application, slack: &lockkeeper_slack_simulator::Simulator, job: &str) {
    let name = orders.command(slack, "/flink deploy orders 1.6.0").await;
    let card = orders.card(slack, &name).await;
    let (rollout, thread) = orders.ended(slack, &name, &card).await;
    assert_eq!(text(&rollout, "/status/result/kind"), "Untouched");
    assert!(thread.contains("--claimMode"), "{thread}");
    let last = Records::emitted(&orders.data).unwrap().iter().max_by_key(|record| record.emitted).unwrap().job.clone();
    assert_eq!(last, job, "the job that ran still runs");
}
