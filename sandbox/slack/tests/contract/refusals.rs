//! What Slack refuses: tokens, scopes, channels, content, too many calls.

use lockkeeper_slack_simulator::Channel;
use serde_json::{Value, json};
use slack_morphism::errors::SlackClientError;
use slack_morphism::prelude::*;

use crate::support::{Slack, post, refusal};

#[tokio::test]
async fn tokens_are_checked() {
    let slack = Slack::start().await;
    let (bot, app) = (slack.simulator.bot_token(), slack.simulator.app_token());
    let error = async |method: &str, token: Option<&str>| slack.raw(method, token, json!({})).await.1["error"].clone();
    assert_eq!(error("auth.test", None).await, "not_authed");
    assert_eq!(error("auth.test", Some("xoxb-wrong")).await, "invalid_auth");
    assert_eq!(error("auth.test", Some(app)).await, "not_allowed_token_type");
    assert_eq!(error("apps.connections.open", Some(bot)).await, "not_allowed_token_type");
    assert_eq!(error("chat.shout", Some(bot)).await, "unknown_method");
    assert_eq!(error("auth.test", Some(bot)).await, Value::Null);
}

#[tokio::test]
async fn a_scope_that_is_not_in_the_manifest_is_missing() {
    let slack = Slack::start_with(|config| {
        config.manifest = config.manifest.clone().without_scope("usergroups:read").without_scope("channels:history");
    })
    .await;
    let (_, body) = slack.raw("usergroups.list", Some(slack.simulator.bot_token()), json!({})).await;
    assert_eq!((&body["error"], &body["needed"]), (&json!("missing_scope"), &json!("usergroups:read")));
    assert!(body["provided"].as_str().unwrap().contains("chat:write"));
    let request = SlackApiConversationsHistoryRequest::new().with_channel("C0DEPLOYS".into());
    assert_eq!(refusal(slack.session().conversations_history(&request).await), "missing_scope");
}

#[tokio::test]
async fn the_bot_can_post_only_where_it_is_a_member() {
    let slack = Slack::start().await;
    let channel = |id: &str, bot_is_member, is_private, is_archived| Channel {
        id: id.into(),
        name: id.to_lowercase(),
        members: vec!["U0ALICE".into()],
        bot_is_member,
        is_private,
        is_archived,
    };
    slack.simulator.put_channel(channel("C0SECRET", false, true, false));
    slack.simulator.put_channel(channel("C0OLD", true, false, true));
    let code = async |channel: &str| slack.code("chat.postMessage", json!({"channel": channel, "text": "x"})).await;
    assert_eq!(code("C0NOWHERE").await, "channel_not_found");
    assert_eq!(code("C0RANDOM").await, "not_in_channel");
    assert_eq!(code("C0SECRET").await, "channel_not_found", "a private channel does not exist for outsiders");
    assert_eq!(code("C0OLD").await, "is_archived");
    assert_eq!(code("C0DEPLOYS").await, "ok");
    let ephemeral = json!({"channel": "C0DEPLOYS", "user": "U0STRANGER", "text": "x"});
    assert_eq!(slack.code("chat.postEphemeral", ephemeral).await, "user_not_in_channel");
}

#[tokio::test]
async fn content_is_checked() {
    let slack = Slack::start().await;
    let code = async |fields: Value| {
        let mut body = json!({"channel": "C0DEPLOYS"});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        slack.code("chat.postMessage", body).await
    };
    assert_eq!(code(json!({})).await, "no_text");
    assert_eq!(code(json!({"text": "  "})).await, "no_text");
    assert_eq!(code(json!({"text": "x".repeat(40_001)})).await, "msg_too_long");
    let section = json!({"type": "section", "text": {"type": "mrkdwn", "text": "x".repeat(2900)}});
    assert_eq!(code(json!({"text": "x", "blocks": vec![section.clone(); 4]})).await, "ok");
    assert_eq!(code(json!({"text": "x", "blocks": vec![section; 5]})).await, "msg_blocks_too_long");
    assert_eq!(code(json!({"text": "x", "thread_ts": "1.000001"})).await, "thread_not_found");
    assert_eq!(code(json!({"text": "x", "blocks": {}})).await, "invalid_blocks_format");
    assert_eq!(code(json!({"text": "x", "blocks": "not json"})).await, "invalid_blocks_format");
    assert_eq!(code(json!({"text": "x", "attachments": []})).await, "invalid_arguments");
    assert_eq!(code(json!({"text": "x", "metadata": {"event_type": "a"}})).await, "invalid_metadata_format");
    let number = json!({"text": "x", "metadata": {"event_type": "a", "event_payload": {"n": 1}}});
    assert_eq!(code(number).await, "invalid_metadata_schema");
}

#[tokio::test]
async fn an_update_accepts_less_text_than_a_post() {
    let slack = Slack::start().await;
    let ts = slack.post(&"x".repeat(4001)).await.0;
    let update = async |length: usize| {
        let body = json!({"channel": "C0DEPLOYS", "ts": ts, "text": "x".repeat(length)});
        slack.code("chat.update", body).await
    };
    assert_eq!(update(4001).await, "msg_too_long");
    assert_eq!(update(4000).await, "ok");
}

#[tokio::test]
async fn the_refusal_of_invalid_blocks_names_the_place() {
    let slack = Slack::start().await;
    let blocks: Vec<SlackBlock> = slack_blocks![some_into(SlackHeaderBlock::new(pt!("x".repeat(151))))];
    let content = SlackMessageContent::new().with_text("x".into()).with_blocks(blocks);
    let request = SlackApiChatPostMessageRequest::new("C0DEPLOYS".into(), content);
    let error = slack.session().chat_post_message(&request).await.unwrap_err();
    let SlackClientError::ApiError(error) = error else { panic!("not a refusal: {error}") };
    assert_eq!(error.code, "invalid_blocks");
    assert_eq!(error.errors.unwrap(), ["must be less than 151 characters [json-pointer:/blocks/0/text/text]"]);
    assert_eq!(slack.simulator.view().channel("deploys"), []);
}

#[tokio::test]
async fn posting_too_fast_is_answered_with_429_and_retry_after() {
    let slack = Slack::start_with(|config| config.rate_limit_speedup = 1.0).await;
    let session = slack.session();
    let refused = loop {
        if let Err(error) = session.chat_post_message(&post("again")).await {
            break error;
        }
        assert!(slack.simulator.call_count("chat.postMessage") < 100, "the limit is off");
    };
    let SlackClientError::RateLimitError(refused) = refused else { panic!("not rate limited: {refused}") };
    assert!(refused.retry_after.unwrap().as_secs() >= 1);
    assert_eq!(refused.code.as_deref(), Some("ratelimited"));
}

#[tokio::test]
async fn malformed_requests_are_refused_and_have_no_effect() {
    let slack = Slack::start().await;
    let send = async |content_type: &str, body: &'static str| -> Value {
        let url = format!("{}/chat.postMessage", slack.simulator.api_url());
        let request = reqwest::Client::new().post(url).bearer_auth(slack.simulator.bot_token());
        request.header("content-type", content_type).body(body).send().await.unwrap().json().await.unwrap()
    };
    assert_eq!(send("application/json", "{").await["error"], "invalid_json");
    assert_eq!(send("application/json", "[]").await["error"], "json_not_object");
    assert_eq!(send("text/plain", "hello").await["error"], "invalid_post_type");
    let form = send("application/x-www-form-urlencoded", "channel=C0DEPLOYS&text=a+form%21").await;
    assert_eq!(form["message"]["text"], "a form!");
}

#[tokio::test]
async fn reading_methods_ignore_json() {
    let slack = Slack::start().await;
    assert_eq!(slack.code("conversations.info", json!({"channel": "C0DEPLOYS"})).await, "invalid_arguments");
}

#[tokio::test]
async fn a_ticket_opens_one_socket() {
    let slack = Slack::start().await;
    let (_, body) = slack.raw("apps.connections.open", Some(slack.simulator.app_token()), json!({})).await;
    let url = body["url"].as_str().unwrap().replace("ws://", "http://");
    let open = async |url: &str| {
        let request = reqwest::Client::new()
            .get(url)
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(open(&url).await, 101);
    assert_eq!(open(&url).await, 403);
}
