//! The running bot's metrics over HTTP, as Prometheus reads them.

use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::bot_client::{bot_client, write_status};
use crate::support::{
    bot::DEADLINE,
    bot_process::BotProcess,
    fixtures::{flink_application::flink_application, flink_rollout::deploy_request},
    sandbox::{Sandbox, eventually},
    simulator::start_simulator,
};

/// The address that a bot logged when it began to serve.
fn find_address(log: &str) -> Option<String> {
    let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.find_map(|line| Some(line.get("at")?.as_str()?.to_owned()))
}

fn read(url: &str) -> String {
    let answer = async { reqwest::get(url).await?.error_for_status()?.text().await };
    tokio::task::block_in_place(|| Handle::current().block_on(answer)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_halted_rollout_is_counted_with_the_time_of_its_halt() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("metrics");
    let client = bot_client(&sandbox).await;
    sandbox.apply(&namespace.name, &flink_application("orders", "/none", &json!({})));
    sandbox.apply(&namespace.name, &deploy_request(&sandbox, "stuck", "orders", "1.0.0"));
    let halt = json!({"stage": "Plan", "message": "look at it", "parked": false, "at": "2026-01-01T00:00:00Z"});
    let status = json!({"phase": "Halted", "stage": "Plan", "halt": halt});
    write_status(&client, &namespace, ("FlinkRollout", "stuck"), &status).await;

    let slack = start_simulator().await;
    let mut bot = BotProcess::new(&sandbox, &namespace.name, &slack);
    bot.start();
    bot.wait_until_started().await;
    let address = eventually("the bot's address", DEADLINE, || find_address(&bot.log())).await;
    let name = &namespace.name;
    let wanted = [
        format!(r#"lockkeeper_rollouts_halted{{namespace="{name}"}} 1"#),
        format!(
            r#"lockkeeper_rollout_halted_since_seconds{{namespace="{name}",application="orders",rollout="stuck"}} 1767225600"#
        ),
    ];
    let url = format!("http://{address}/metrics");
    // The controller lists the rollouts after the start.
    eventually("the halted rollout in the metrics", DEADLINE, || {
        let text = read(&url);
        wanted.iter().all(|line| text.lines().any(|other| other == line)).then_some(())
    })
    .await;
    assert_eq!(read(&format!("http://{address}/healthz")), "ok");
}
