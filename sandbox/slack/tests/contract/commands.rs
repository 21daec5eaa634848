//! Socket Mode: commands, buttons, acknowledgements, and which socket gets a payload.

use lockkeeper_slack_simulator::{Click, Delivered, Refusal};
use serde_json::json;
use slack_morphism::prelude::*;

use crate::support::{Answer, Bot, DEADLINE, Slack};

const ECHO: Answer =
    |event| SlackMessageContent::new().with_text(format!("got `{}`", event.text.as_deref().unwrap_or_default()));
fn with_button(value: &str) -> serde_json::Value {
    json!({"channel": "C0DEPLOYS", "text": "approve?", "metadata": {"event_type": "rollout", "event_payload": {"key": "card"}},
        "blocks": [{"type": "actions", "block_id": "decisions", "elements": [
            {"type": "button", "action_id": "rollout.approve", "value": value, "style": "primary",
             "text": {"type": "plain_text", "text": "Approve"}}]}]})
}

#[tokio::test]
async fn only_the_author_of_a_command_sees_the_answer() {
    let slack = Slack::start().await;
    let bot = Bot::connect(&slack, 1, ECHO).await;
    let outcome = slack.simulator.command("alice", "deploys", "/flink  ask @bob in #deploys").await.unwrap();
    assert_eq!(outcome.delivered, Delivered::Acknowledged);
    assert_eq!(outcome.text(), "got `ask <@U0BOB|bob> in <#C0DEPLOYS|deploys>`");
    let shown = slack.simulator.view().ephemerals("alice");
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].in_reply_to.as_deref(), Some("/flink  ask @bob in #deploys"));

    let received = bot.received.lock().unwrap();
    let event = &received.commands[0];
    assert_eq!((event.user_id.0.as_str(), event.command.0.as_str()), ("U0ALICE", "/flink"));
    assert_eq!(event.channel_name.as_deref(), Some("deploys"));
    assert_eq!(event.trigger_id.0, outcome.trigger_id);
}

#[tokio::test]
async fn each_payload_goes_to_one_socket_of_several() {
    let slack = Slack::start().await;
    let bot = Bot::connect(&slack, 2, ECHO).await;
    for number in 0..6 {
        slack.simulator.command("alice", "deploys", &format!("/flink {number}")).await.unwrap();
    }
    let received = bot.received.lock().unwrap();
    let texts: Vec<&str> = received.commands.iter().filter_map(|event| event.text.as_deref()).collect();
    assert_eq!(texts, ["0", "1", "2", "3", "4", "5"]);
    assert_eq!(received.hellos, 2);
}

#[tokio::test]
async fn without_a_socket_the_person_sees_slacks_error() {
    let slack = Slack::start().await;
    let outcome = slack.simulator.command("alice", "deploys", "/flink list").await.unwrap();
    assert_eq!(outcome.delivered, Delivered::NotConnected);
    assert_eq!(outcome.text(), "/flink failed with the error \"dispatch_failed\"");
    assert!(outcome.ephemeral.unwrap().from_slack);
}

#[tokio::test]
async fn a_late_acknowledgement_shows_a_timeout_and_its_answer_is_lost() {
    let slack = Slack::start_with(|config| config.ack_deadline = std::time::Duration::ZERO).await;
    let _bot = Bot::connect(&slack, 1, ECHO).await;
    let outcome = slack.simulator.command("alice", "deploys", "/flink list").await.unwrap();
    assert_eq!(outcome.delivered, Delivered::TimedOut);
    assert_eq!(outcome.text(), "/flink failed with the error \"operation_timeout\"");
    slack
        .simulator
        .wait_for("the late acknowledgement", DEADLINE, |view| (view.late_acknowledgements() == 1).then_some(()))
        .await
        .unwrap();
    assert_eq!(slack.simulator.view().ephemerals("alice").len(), 1, "only the error");
}

#[tokio::test]
async fn people_can_only_do_what_slacks_screen_allows() {
    let slack = Slack::start().await;
    let refusal = async |user, channel, line| slack.simulator.command(user, channel, line).await.unwrap_err();
    assert!(matches!(refusal("mallory", "deploys", "/flink list").await, Refusal::UnknownUser { .. }));
    assert!(matches!(refusal("alice", "nowhere", "/flink list").await, Refusal::UnknownChannel { .. }));
    assert!(matches!(refusal("alice", "deploys", "/blink list").await, Refusal::UnknownCommand { .. }));
}

#[tokio::test]
async fn the_payload_of_a_click_has_the_message_with_its_metadata() {
    let slack = Slack::start().await;
    let bot = Bot::connect(&slack, 1, ECHO).await;
    let (_, posted) = slack.raw("chat.postMessage", Some(slack.simulator.bot_token()), with_button("orders-1")).await;
    let ts = posted["ts"].as_str().unwrap();
    let outcome = slack.simulator.click(&Click::new("bob", "deploys", ts, "rollout.approve")).await.unwrap();
    assert_eq!((outcome.delivered, outcome.label.as_str()), (Delivered::Acknowledged, "Approve"));

    let received = bot.received.lock().unwrap();
    let event = &received.actions[0];
    assert_eq!(event.user.as_ref().unwrap().id, "U0BOB".into());
    assert!(event.response_url.is_some());
    let message = event.message.as_ref().unwrap();
    assert_eq!(message.content.metadata.as_ref().unwrap().event_payload.as_ref().unwrap()["key"], "card");
    let action = &event.actions.as_ref().unwrap()[0];
    assert_eq!(action.value.as_deref(), Some("orders-1"));
    assert_eq!(action.block_id, Some("decisions".into()));
    assert_eq!(action.action_ts, Some(outcome.action_ts.as_str().into()));
}

#[tokio::test]
async fn a_removed_button_cannot_be_pressed() {
    let slack = Slack::start().await;
    let token = slack.simulator.bot_token();
    let (_, posted) = slack.raw("chat.postMessage", Some(token), with_button("v1")).await;
    let ts = posted["ts"].as_str().unwrap();
    let update = json!({"channel": "C0DEPLOYS", "ts": ts, "text": "Approved by bob"});
    slack.raw("chat.update", Some(token), update).await;
    let refusal = slack.simulator.click(&Click::new("bob", "deploys", ts, "rollout.approve")).await.unwrap_err();
    assert_eq!(refusal.to_string(), "the message has no element `rollout.approve` now; it shows: Approved by bob");
}

#[tokio::test]
async fn a_response_url_answers_five_times() {
    let slack = Slack::start().await;
    let bot = Bot::connect(&slack, 1, ECHO).await;
    slack.simulator.command("alice", "deploys", "/flink list").await.unwrap();
    let url = bot.received.lock().unwrap().commands[0].response_url.clone();
    let say = |text: &str| SlackApiPostWebhookMessageRequest::new(SlackMessageContent::new().with_text(text.into()));
    for _ in 0..5 {
        slack.client.respond_to_event(&url, &say("more")).await.unwrap();
    }
    assert!(slack.client.respond_to_event(&url, &say("too much")).await.is_err());
    let texts: Vec<String> = slack.simulator.view().ephemerals("alice").into_iter().map(|one| one.text).collect();
    assert_eq!(texts, ["got `list`", "more", "more", "more", "more", "more"]);
}

#[tokio::test]
async fn a_client_reconnects_after_disconnect_and_after_a_lost_socket() {
    let slack = Slack::start().await;
    let bot = Bot::connect(&slack, 1, ECHO).await;
    let wait_and_ask = async |hellos: usize| {
        slack
            .simulator
            .wait_for("a new socket", DEADLINE, |view| {
                (view.sockets() == 1 && bot.received.lock().unwrap().hellos == hellos).then_some(())
            })
            .await
            .unwrap();
        slack.simulator.command("alice", "deploys", "/flink list").await.unwrap()
    };
    slack.simulator.announce_disconnect("refresh_requested");
    assert_eq!(wait_and_ask(2).await.text(), "got `list`");
    slack.simulator.close_sockets();
    assert_eq!(wait_and_ask(3).await.text(), "got `list`");
}
