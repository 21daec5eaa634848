//! The control interface, as other processes and the page use it.

use serde_json::{Value, json};
use slack_morphism::prelude::*;

use crate::support::{Bot, Slack};

impl Slack {
    async fn control(&self, method: reqwest::Method, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}/control/{path}", self.simulator.base_url());
        let response = reqwest::Client::new().request(method, url).json(&body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> Value {
        self.control(reqwest::Method::GET, path, Value::Null).await.1
    }

    async fn send(&self, path: &str, body: Value) -> (u16, Value) {
        self.control(reqwest::Method::POST, path, body).await
    }
}

#[tokio::test]
async fn people_can_act_and_read_over_http() {
    let slack = Slack::start().await;
    let _bot = Bot::connect(&slack, 1, |_| SlackMessageContent::new().with_text("here".into())).await;
    let typed = json!({"user": "alice", "channel": "deploys", "text": "/flink list"});
    let (_, outcome) = slack.send("command", typed).await;
    assert_eq!((&outcome["delivered"], &outcome["ephemeral"]["text"]), (&json!("acknowledged"), &json!("here")));
    assert_eq!(slack.get("ephemerals?user=alice").await[0]["inReplyTo"], "/flink list");

    let blocks = json!([{"type": "actions", "elements": [
        {"type": "button", "action_id": "go", "value": "1", "text": {"type": "plain_text", "text": "Go"}}]}]);
    let body = json!({"channel": "C0DEPLOYS", "text": "go?", "blocks": blocks});
    let (_, posted) = slack.raw("chat.postMessage", Some(slack.simulator.bot_token()), body).await;
    let click = json!({"user": "bob", "channel": "deploys", "ts": posted["ts"], "actionId": "go"});
    assert_eq!(slack.send("click", click).await.1["label"], "Go");
    let say = json!({"user": "bob", "channel": "deploys", "text": "done", "threadTs": posted["ts"]});
    slack.send("say", say).await;
    let messages = slack.get("channels/deploys/messages").await;
    assert_eq!(
        (&messages[0]["rendered"], &messages[0]["thread"]["replyCount"]),
        (&json!("lockkeeper:\n  [Go]"), &json!(1))
    );
    let thread = slack.get(&format!("channels/deploys/threads/{}", posted["ts"].as_str().unwrap())).await;
    assert_eq!(thread[1]["user"], "U0BOB");
}

#[tokio::test]
async fn payloads_that_slack_would_never_send_reach_the_app_unchanged() {
    let slack = Slack::start().await;
    let nobody = slack.send("envelope", json!({"kind": "slash_commands", "payload": {}})).await.1;
    assert_eq!(nobody["delivered"], "notConnected");
    let _bot = Bot::connect(&slack, 1, |_| SlackMessageContent::new().with_text("here".into())).await;
    let odd = json!({"kind": "slash_commands", "payload": {"command": 7}});
    assert_eq!(slack.send("envelope", odd).await.1["delivered"], "acknowledged");
    assert_eq!(slack.send("frame", json!("no envelope")).await.1["sent"], true);
    let typed = json!({"user": "alice", "channel": "deploys", "text": "/flink list"});
    assert_eq!(slack.send("command", typed).await.1["delivered"], "acknowledged");
}

#[tokio::test]
async fn a_refused_action_is_explained_in_words() {
    let slack = Slack::start().await;
    let (status, body) =
        slack.send("command", json!({"user": "mallory", "channel": "deploys", "text": "/flink"})).await;
    assert_eq!(status, 409);
    assert!(body["error"].as_str().unwrap().starts_with("nobody in the workspace is called `mallory`"));
    let in_thread = json!({"user": "alice", "channel": "deploys", "text": "/flink list", "threadTs": "1.0"});
    let (_, body) = slack.send("command", in_thread).await;
    assert_eq!(body["error"], "`/flink` is not supported in threads; type it in the channel");
    let stranger = json!({"id": "U0DORA", "name": "dora", "realName": "Dora Dam"});
    assert_eq!(slack.control(reqwest::Method::PUT, "users", stranger).await.0, 204);
    let (_, body) = slack.send("say", json!({"user": "dora", "channel": "deploys", "text": "hi"})).await;
    assert_eq!(body["error"], "`dora` is not in #deploys; add them to its members first");
}

#[tokio::test]
async fn the_control_interface_works_during_an_outage() {
    let slack = Slack::start().await;
    assert_eq!(slack.send("away", json!({"outage": "unavailable"})).await.0, 204);
    assert!(slack.session().auth_test().await.is_err());
    let (_, body) = slack.send("say", json!({"user": "bob", "channel": "deploys", "text": "hello?"})).await;
    assert_eq!(body["error"], "Slack is away; bring it back with POST /control/back");
    assert_eq!(slack.send("back", Value::Null).await.0, 204);
    slack.session().auth_test().await.unwrap();
}

#[tokio::test]
async fn calls_are_counted_by_method_and_outcome() {
    let slack = Slack::start().await;
    let failure = json!({"method": "chat.postMessage", "failure": {"kind": "error", "code": "fatal_error"}});
    slack.send("failures", failure).await;
    assert_eq!(slack.code("chat.postMessage", json!({"channel": "C0DEPLOYS", "text": "x"})).await, "fatal_error");
    slack.post("y").await;
    let calls = slack.get("calls").await;
    assert_eq!(calls["counts"]["chat.postMessage"], json!({"fatal_error": 1, "ok": 1}));
    assert!(!calls.to_string().contains(slack.simulator.bot_token()), "a token in the log");
}

#[tokio::test]
async fn unread_messages_of_a_person_are_marked() {
    let slack = Slack::start().await;
    slack.post("for all").await;
    slack.post("<!subteam^S0PLATFORM> please").await;
    let calls_you = async |user: &str| -> Vec<bool> {
        let state = slack.get(&format!("state?user={user}&channel=C0DEPLOYS")).await;
        let recent = state["channels"][0]["recent"].as_array().unwrap().clone();
        recent.iter().map(|message| message["callsYou"].as_bool().unwrap()).collect()
    };
    assert_eq!(calls_you("U0BOB").await, [true, false], "newest first");
    assert_eq!(calls_you("U0CAROL").await, [false, false]);
}

#[tokio::test]
async fn the_page_loads_all_of_its_files_and_no_others() {
    let slack = Slack::start().await;
    let fetch = async |path: &str| {
        let response = reqwest::get(format!("{}{path}", slack.simulator.base_url())).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response
    };
    let page = fetch("/").await;
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'self'"));
    let mut waiting = vec![page.text().await.unwrap()];
    let mut seen = std::collections::BTreeSet::new();
    while let Some(text) = waiting.pop() {
        let absolute = text.split('"').filter(|part| part.starts_with("/assets/") && !part.contains(' '));
        let relative = text.split('"').filter_map(|part| part.strip_prefix("./")).map(|file| format!("/assets/{file}"));
        for path in absolute.map(str::to_owned).chain(relative).collect::<Vec<_>>() {
            if seen.insert(path.clone()) {
                waiting.push(fetch(&path).await.text().await.unwrap());
            }
        }
    }
    assert!(seen.contains("/assets/mrkdwn.js"), "{seen:?}");
    fetch("/archives/C0DEPLOYS/p1764000000000100").await;
}
