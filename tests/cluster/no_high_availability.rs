//! A Flink without high availability is refused, with the job untouched.

use std::{os::unix::fs::PermissionsExt as _, process::Command, time::Duration};

use serde_json::json;

use crate::support::{
    application::ROLLOUT_TIMEOUT,
    bot::Bot,
    fixtures::{flink_application::flink_application, flink_rollout::deploy_request},
    refused_rollouts::{list_objects, wait_until_released, wait_until_untouched},
    sandbox::{Sandbox, eventually},
    simulator::start_simulator,
};

const START_TIMEOUT: Duration = Duration::from_secs(180);

/// Without high availability a JobManager that restarts would start the job from an old state.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flink_without_high_availability_is_refused() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("plain");
    let chart = sandbox.chart.to_str().unwrap();
    let data = sandbox.data.join(&namespace.name);
    std::fs::create_dir_all(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o777)).unwrap();
    let set = format!(
        "data.hostPath={},taskManager.replicas=0,jobManager.args={{-Dhigh-availability.type=NONE}}",
        data.display()
    );
    let kubeconfig = sandbox.kubeconfig.to_str().unwrap();
    let helm = Command::new(&sandbox.helm)
        .args(["--kubeconfig", kubeconfig, "-n", &namespace.name, "install", "orders", chart, "--set", &set])
        .output()
        .unwrap();
    assert!(helm.status.success(), "{}", String::from_utf8_lossy(&helm.stderr));
    let values = json!({"values": {"data": {"hostPath": data}}, "allow": ["hostPath"]});
    sandbox.apply(&namespace.name, &flink_application("orders", chart, &values));
    let job_manager = || sandbox.get_json(&namespace.name, "deployment/orders-jobmanager");
    eventually("the JobManager serves", START_TIMEOUT, || job_manager().pointer("/status/readyReplicas").map(drop))
        .await;
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    let before = (job_manager()["metadata"]["generation"].clone(), list_objects(&sandbox, &namespace));
    sandbox.apply(&namespace.name, &deploy_request(&sandbox, "no-ha", "orders", "1.1.0"));
    let message = wait_until_untouched(&sandbox, &namespace, "no-ha", ROLLOUT_TIMEOUT).await;
    assert!(
        message.starts_with("Flink runs with high-availability.type NONE: Lockkeeper needs kubernetes"),
        "{message}"
    );
    wait_until_released(&sandbox, &namespace, "orders").await;
    assert_eq!(before, (job_manager()["metadata"]["generation"].clone(), list_objects(&sandbox, &namespace)));
    bot.stop().await;
}
