//! Malformed requests: Slack gets an answer, kubectl an error, and nothing changes in either case.

use lockkeeper_slack_simulator::{Config, Delivered, Simulator};
use serde_json::{Value, json};

use crate::support::{
    bot::{Bot, DEADLINE},
    fixtures::{flink_application::flink_application, flink_rollout::deploy_request},
    refused_rollouts::{list_objects, wait_until_released, wait_until_untouched},
    sandbox::{Namespace, Sandbox},
    simulator::start_simulator,
};

/// A namespace with one application, whose list of versions is short.
fn namespace_with_one_application(sandbox: &Sandbox, purpose: &str) -> Namespace {
    let namespace = sandbox.namespace(purpose);
    let chart = &sandbox.chart;
    sandbox.apply(&namespace.name, &flink_application("shop", chart, &json!({"versions": ["1.0.0", "1.1.0"]})));
    namespace
}

/// Malformed versions. The last two are well-formed but not in the application's list.
fn versions() -> [String; 7] {
    ["1.2.0; rm -rf /", "../x", "$(id)", "", "1.1.0\n", "9.9.9", "1.1.O"].map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_malformed_or_unlisted_version_deploys_nothing() {
    let sandbox = Sandbox::get();
    let namespace = namespace_with_one_application(&sandbox, "versions");
    let before = list_objects(&sandbox, &namespace);
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    let mut answers = Vec::new();
    for version in versions().into_iter().chain(["1".repeat(300)]).filter(|version| !version.ends_with('\n')) {
        let line = format!("/flink deploy shop {version}");
        let outcome = slack.command("alice", "deploys", &line).await.unwrap();
        answers.push(format!("{line}\n{}", outcome.text()));
    }
    for (index, version) in versions().into_iter().chain(["1".repeat(300)]).enumerate() {
        let name = format!("by-kubectl-{index}");
        let request = deploy_request(&sandbox, &name, "shop", &version).to_string();
        let answer = match sandbox.try_kubectl(&["-n", &namespace.name, "create", "-f", "-"], Some(&request)) {
            Err(refusal) => refusal,
            Ok(_) => wait_until_untouched(&sandbox, &namespace, &name, DEADLINE).await,
        };
        answers.push(format!("kubectl: {version:?}\n{}", answer.trim()));
    }
    wait_until_released(&sandbox, &namespace, "shop").await;
    assert_eq!(list_objects(&sandbox, &namespace), before);
    insta::with_settings!({filters => vec![(r"`shop-[0-9a-f]{10}`", "`[rollout]`")]}, {
        insta::assert_snapshot!(answers.join("\n\n"));
    });
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_application_is_named() {
    let sandbox = Sandbox::get();
    let namespace = namespace_with_one_application(&sandbox, "unknown");
    let before = list_objects(&sandbox, &namespace);
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    sandbox.apply(&namespace.name, &deploy_request(&sandbox, "nobody", "shap", "1.1.0"));
    let message = wait_until_untouched(&sandbox, &namespace, "nobody", DEADLINE).await;
    insta::assert_snapshot!(message);
    assert_eq!(list_objects(&sandbox, &namespace), before);
    bot.stop().await;
}

/// A slash command as Slack sends it.
fn command(text: &str) -> Value {
    json!({
        "token": "t", "team_id": "T0LOCK", "team_domain": "lock", "channel_id": "C0DEPLOYS", "channel_name": "deploys",
        "user_id": "U0ALICE", "user_name": "alice", "command": "/flink", "text": text, "api_app_id": "A0LOCKKEEPER",
        "is_enterprise_install": "false", "response_url": "http://127.0.0.1:9/none", "trigger_id": "32.T0LOCK.odd",
    })
}

/// A press of a button as Slack sends it.
fn press(action: &Value) -> Value {
    json!({
        "type": "block_actions", "token": "t", "api_app_id": "A0LOCKKEEPER", "trigger_id": "32.T0LOCK.odd",
        "team": {"id": "T0LOCK", "domain": "lock"}, "user": {"id": "U0ALICE", "username": "alice", "name": "alice", "team_id": "T0LOCK"},
        "container": {"type": "message", "message_ts": "1.0", "channel_id": "C0DEPLOYS", "is_ephemeral": false},
        "channel": {"id": "C0DEPLOYS", "name": "deploys"}, "response_url": "http://127.0.0.1:9/none", "actions": [action],
    })
}

fn button(id: &Value, value: &Value) -> Value {
    let text = json!({"type": "plain_text", "text": "Approve"});
    json!({"type": "button", "action_id": id, "block_id": "b", "value": value, "text": text, "action_ts": "1.0"})
}

/// Payloads that Slack does not send: with missing parts, other types, far too long, or with unknown names.
fn malformed() -> Vec<(&'static str, Value)> {
    let without = |mut payload: Value, key: &str| {
        payload.as_object_mut().unwrap().remove(key);
        payload
    };
    let with = |mut payload: Value, key: &str, value: Value| {
        payload[key] = value;
        payload
    };
    let deploy = || command("deploy shop 1.1.0");
    let approve = || press(&button(&json!("rollout.approve"), &json!("nowhere/nothing/0000")));
    let mut all: Vec<(&'static str, Value)> = ["user_id", "team_id", "trigger_id", "command", "channel_id"]
        .map(|key| ("slash_commands", without(deploy(), key)))
        .into();
    all.extend(["user_id", "trigger_id", "text"].map(|key| ("slash_commands", with(deploy(), key, json!(7)))));
    all.extend([
        ("slash_commands", without(deploy(), "text")),
        ("slash_commands", with(deploy(), "text", Value::Null)),
        ("slash_commands", command(&"deploy".repeat(40_000))),
        ("slash_commands", command("deploy\u{202e} shop\u{0} 1.1.0")),
        ("slash_commands", Value::Null),
        ("slash_commands", json!([])),
        ("slash_commands", json!("/flink deploy shop 1.1.0")),
        ("interactive", json!({})),
        ("interactive", json!({"type": "shouted"})),
        ("interactive", with(approve(), "actions", json!([]))),
        ("interactive", with(approve(), "actions", Value::Null)),
        ("interactive", without(approve(), "user")),
        ("interactive", without(approve(), "team")),
        ("interactive", with(approve(), "container", json!("here"))),
        ("interactive", approve()),
        ("interactive", press(&button(&json!("rollout.explode"), &json!("a/b/c")))),
        ("interactive", press(&button(&json!("rollout.approve"), &json!("../../x/y")))),
        ("interactive", press(&button(&json!("rollout.approve"), &Value::Null))),
        ("interactive", press(&button(&json!(1), &json!(2)))),
        ("events_api", json!({"type": "event_callback"})),
        ("weather_report", json!({"sky": "clear"})),
    ]);
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_payloads_are_acknowledged_and_the_bot_keeps_running() {
    let sandbox = Sandbox::get();
    let namespace = namespace_with_one_application(&sandbox, "payloads");
    let mut config = Config::new().unwrap();
    // The test is whether they are acknowledged at all. The machine may be busy.
    config.ack_deadline = DEADLINE;
    let slack = Simulator::start(config).await.unwrap();
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    let mut not_acknowledged = Vec::new();
    for (kind, payload) in malformed() {
        if slack.send_envelope(kind, payload.clone()).await.unwrap() != Delivered::Acknowledged {
            not_acknowledged.push(format!("{kind}: {}", payload.to_string().chars().take(200).collect::<String>()));
        }
        let answer = slack.command("alice", "deploys", "/flink list").await.unwrap();
        assert!(answer.text().contains("*shop*"), "after {kind} {payload}: {}", answer.text());
    }
    assert!(not_acknowledged.is_empty(), "not acknowledged:\n{}", not_acknowledged.join("\n"));
    for frame in
        ["", "not JSON", "[]", "{\"envelope_id\": 5}", "{\"type\": \"hello\"}", "{\"type\": \"slash_commands\"}"]
    {
        assert!(slack.send_frame(frame).unwrap(), "no socket is left before {frame:?}");
        let answer = slack.command("alice", "deploys", "/flink list").await.unwrap();
        assert!(answer.text().contains("*shop*"), "after the frame {frame:?}: {}", answer.text());
    }
    let created = sandbox.get_json(&namespace.name, "flinkrollouts");
    assert_eq!(created["items"], json!([]));
    assert!(slack.view().channel("deploys").is_empty());
    bot.stop().await;
}
