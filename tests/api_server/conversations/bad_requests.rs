//! Requests that cannot be meant: by Slack they are answered, by kubectl refused, and either way nothing is touched.

use lockkeeper_slack_simulator::{Config, Delivered, Simulator};
use serde_json::{Value, json};

use crate::support::{
    bot::{Bot, DEADLINE, simulator},
    refusals::{application, deploy, objects, refused, released},
    sandbox::{Namespace, Sandbox},
};

/// A namespace with one application, whose list of versions is short.
fn one_application(sandbox: &Sandbox, purpose: &str) -> Namespace {
    let namespace = sandbox.namespace(purpose);
    let chart = sandbox.chart.to_str().unwrap();
    sandbox.apply(&namespace.name, &application("shop", chart, &json!({"versions": ["1.0.0", "1.1.0"]})));
    namespace
}

/// Versions that nobody means. The last ones are well-formed and not in the application's list.
fn versions() -> [String; 7] {
    ["1.2.0; rm -rf /", "../x", "$(id)", "", "1.1.0\n", "9.9.9", "1.1.O"].map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_cannot_be_meant_deploys_nothing() {
    let sandbox = Sandbox::get();
    let namespace = one_application(&sandbox, "versions");
    let before = objects(&sandbox, &namespace);
    let slack = simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    let mut said = Vec::new();
    for version in versions().into_iter().chain(["1".repeat(300)]).filter(|version| !version.ends_with('\n')) {
        let line = format!("/flink deploy shop {version}");
        let outcome = slack.command("alice", "deploys", &line).await.unwrap();
        said.push(format!("{line}\n{}", outcome.text()));
    }
    for (index, version) in versions().into_iter().chain(["1".repeat(300)]).enumerate() {
        let name = format!("by-kubectl-{index}");
        let asked = deploy(&sandbox, &name, "shop", &version).to_string();
        let answer = match sandbox.try_kubectl(&["-n", &namespace.name, "create", "-f", "-"], Some(&asked)) {
            Err(refusal) => refusal,
            Ok(_) => refused(&sandbox, &namespace, &name, DEADLINE).await,
        };
        said.push(format!("kubectl: {version:?}\n{}", answer.trim()));
    }
    released(&sandbox, &namespace, "shop").await;
    assert_eq!(objects(&sandbox, &namespace), before);
    insta::with_settings!({filters => vec![(r"`shop-[0-9a-f]{10}`", "`[rollout]`")]}, {
        insta::assert_snapshot!(said.join("\n\n"));
    });
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_application_is_named() {
    let sandbox = Sandbox::get();
    let namespace = one_application(&sandbox, "unknown");
    let before = objects(&sandbox, &namespace);
    let slack = simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    sandbox.apply(&namespace.name, &deploy(&sandbox, "nobody", "shap", "1.1.0"));
    let message = refused(&sandbox, &namespace, "nobody", DEADLINE).await;
    insta::assert_snapshot!(message);
    assert_eq!(objects(&sandbox, &namespace), before);
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

/// Payloads that Slack does not send: parts missing, of other types, far too long, or naming what is not there.
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
async fn payloads_that_make_no_sense_are_acknowledged_and_the_bot_lives_on() {
    let sandbox = Sandbox::get();
    let namespace = one_application(&sandbox, "payloads");
    let mut config = Config::new().unwrap();
    // What is asked is whether they are acknowledged at all; the machine may be busy.
    config.ack_deadline = DEADLINE;
    let slack = Simulator::start(config).await.unwrap();
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    let mut left_alone = Vec::new();
    for (kind, payload) in malformed() {
        if slack.send_envelope(kind, payload.clone()).await.unwrap() != Delivered::Acknowledged {
            left_alone.push(format!("{kind}: {}", payload.to_string().chars().take(200).collect::<String>()));
        }
        let answer = slack.command("alice", "deploys", "/flink list").await.unwrap();
        assert!(answer.text().contains("*shop*"), "after {kind} {payload}: {}", answer.text());
    }
    assert!(left_alone.is_empty(), "not acknowledged:\n{}", left_alone.join("\n"));
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
