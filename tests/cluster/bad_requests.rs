//! A FlinkApplication that does not say what Flink says is refused with the job untouched. Goes on with the chain of `bad_versions`.

use std::{os::unix::fs::PermissionsExt as _, process::Command, time::Duration};

use serde_json::json;

use crate::{
    bad_versions::Chain,
    support::{
        application::{ROLLOUT, text},
        bot::{Bot, simulator},
        refusals::{application, deploy, objects, refused, released},
        sandbox::{Sandbox, eventually},
    },
};

impl Chain<'_> {
    /// High-availability ids that are not Flink's own: clearing by them would clear somebody else's metadata.
    pub async fn wrong_ids(&self) {
        for (ours, theirs) in
            [("kubernetesClusterId", "kubernetes.cluster-id"), ("clusterId", "high-availability.cluster-id")]
        {
            self.patch(&json!({"spec": {"highAvailability": {ours: "orders-eu"}}}));
            let message = self.refused().await;
            self.patch(&json!({"spec": {"highAvailability": {ours: "orders"}}}));
            let wanted = format!(
                "{theirs} is orders in Flink and orders-eu in the FlinkApplication: correct the FlinkApplication"
            );
            assert_eq!(message, wanted);
        }
    }

    /// Asks for 1.1.0, which must be refused with nothing touched; the reason.
    async fn refused(&self) -> String {
        let before = self.before();
        let name = self.orders.command(self.slack, "/flink deploy orders 1.1.0").await;
        let card = self.orders.card(self.slack, &name).await;
        let (rollout, thread) = self.orders.ended(self.slack, &name, &card).await;
        assert_eq!(text(&rollout, "/status/result/kind"), "Untouched", "{thread}");
        for (before, after) in before.deployments.iter().zip(&self.before().deployments) {
            assert_eq!(before.pointer("/metadata/generation"), after.pointer("/metadata/generation"));
        }
        let jobs = self.flink("/jobs/overview");
        assert!(jobs["jobs"].as_array().unwrap().iter().any(|job| job["jid"] == self.job.as_str()), "{jobs}");
        let message = text(&rollout, "/status/result/message").to_owned();
        assert!(thread.contains(&message), "{thread}");
        message
    }
}

/// A real Flink without high availability: a JobManager that restarts would begin again from an old state.
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
    sandbox.apply(&namespace.name, &application("orders", chart, &values));
    let job_manager = || sandbox.get_json(&namespace.name, "deployment/orders-jobmanager");
    eventually("the JobManager serves", Duration::from_secs(180), || {
        job_manager().pointer("/status/readyReplicas").map(drop)
    })
    .await;
    let slack = simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    let before = (job_manager()["metadata"]["generation"].clone(), objects(&sandbox, &namespace));
    sandbox.apply(&namespace.name, &deploy(&sandbox, "no-ha", "orders", "1.1.0"));
    let message = refused(&sandbox, &namespace, "no-ha", ROLLOUT).await;
    assert!(
        message.starts_with("Flink runs with high-availability.type NONE: Lockkeeper needs kubernetes"),
        "{message}"
    );
    released(&sandbox, &namespace, "orders").await;
    assert_eq!(before, (job_manager()["metadata"]["generation"].clone(), objects(&sandbox, &namespace)));
    bot.stop().await;
}
