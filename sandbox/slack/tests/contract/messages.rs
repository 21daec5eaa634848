//! Posts, updates, threads, metadata, ephemerals and permalinks.

use std::collections::HashMap;

use serde_json::json;
use slack_morphism::prelude::*;

use crate::support::{Slack, post, refusal};

#[tokio::test]
async fn a_post_returns_the_fields_that_slack_adds_and_everyone_sees_it() {
    let slack = Slack::start().await;
    let blocks: Vec<SlackBlock> = slack_blocks![
        some_into(SlackHeaderBlock::new(pt!("orders 1.0.0 → 1.1.0"))),
        some_into(SlackSectionBlock::new().with_text(md!("*Waiting* for <!subteam^S0PLATFORM>")))
    ];
    let metadata = SlackMessageMetadata::new("rollout".into())
        .with_event_payload(HashMap::from([("key".to_owned(), "card".to_owned())]));
    let content = SlackMessageContent::new()
        .with_text("orders: waiting".into())
        .with_blocks(blocks)
        .with_metadata(metadata.clone());
    let request = SlackApiChatPostMessageRequest::new("C0DEPLOYS".into(), content);
    let posted = slack.session().chat_post_message(&request).await.unwrap();

    assert_eq!(posted.message.sender.bot_id, Some("B0LOCKKEEPER".into()));
    assert_eq!(posted.message.content.metadata, Some(metadata));
    let stored = slack.simulator.view().message("deploys", &posted.ts.0).unwrap();
    assert_eq!(stored.metadata_value("key"), Some("card"));
    assert!(stored.blocks.iter().all(|block| block["block_id"].as_str().is_some_and(|id| !id.is_empty())));
    insta::assert_snapshot!(slack.simulator.view().render_channel("deploys"), @r"
    lockkeeper:
      # orders 1.0.0 → 1.1.0
      *Waiting* for @platform
    ");
}

#[tokio::test]
async fn replies_go_to_their_thread_and_broadcasts_to_the_channel_too() {
    let slack = Slack::start().await;
    let root = slack.post("card").await;
    let reply = slack.session().chat_post_message(&post("plan done").with_thread_ts(root.clone())).await.unwrap();
    let to_reply = post("still the same thread").with_thread_ts(reply.ts);
    slack.session().chat_post_message(&to_reply).await.unwrap();
    let broadcast = post("approval needed").with_thread_ts(root.clone()).with_reply_broadcast(true);
    slack.session().chat_post_message(&broadcast).await.unwrap();

    let view = slack.simulator.view();
    let texts = |messages: Vec<lockkeeper_slack_simulator::Message>| -> Vec<String> {
        messages.into_iter().map(|message| message.text).collect()
    };
    assert_eq!(texts(view.channel("deploys")), ["card", "approval needed"]);
    assert_eq!(
        texts(view.thread("deploys", &root.0)),
        ["card", "plan done", "still the same thread", "approval needed"]
    );
    assert_eq!(view.thread_summary("deploys", &root.0).reply_count, 3);

    let request = SlackApiConversationsHistoryRequest::new().with_channel("C0DEPLOYS".into());
    let history = slack.session().conversations_history(&request).await.unwrap().messages;
    assert_eq!(history.len(), 2, "newest first: the broadcast, then the root");
    assert_eq!(history[0].subtype, Some(SlackMessageEventType::ThreadBroadcast));
    assert_eq!(history[1].parent.reply_count, Some(3));
}

#[tokio::test]
async fn an_update_keeps_the_same_fields_as_slack() {
    let slack = Slack::start().await;
    let session = slack.session();
    let ts = slack.post("first").await;
    let update = |content: SlackMessageContent| SlackApiChatUpdateRequest::new("C0DEPLOYS".into(), content, ts.clone());
    let section = || -> Vec<SlackBlock> { slack_blocks![some_into(SlackSectionBlock::new().with_text(md!("second")))] };
    let both = SlackMessageContent::new().with_text("fallback".into()).with_blocks(section());
    session.chat_update(&update(both)).await.unwrap();
    let view = slack.simulator.view();
    let message = view.message("deploys", &ts.0).unwrap();
    assert_eq!((message.text.as_str(), message.blocks.len(), message.shows_edited), ("fallback", 1, false));

    session.chat_update(&update(SlackMessageContent::new().with_text("third".into()))).await.unwrap();
    let message = view.message("deploys", &ts.0).unwrap();
    assert_eq!((message.text.as_str(), message.blocks.len(), message.shows_edited), ("third", 0, true));
    assert_eq!(message.edits, 2);
}

#[tokio::test]
async fn only_the_bots_own_messages_can_be_changed() {
    let slack = Slack::start().await;
    let theirs = slack.simulator.say("alice", "deploys", "mine", None).unwrap();
    let content = || SlackMessageContent::new().with_text("x".into());
    let update = |ts: &str| SlackApiChatUpdateRequest::new("C0DEPLOYS".into(), content(), ts.into());
    let session = slack.session();
    assert_eq!(refusal(session.chat_update(&update(&theirs.ts)).await), "cant_update_message");
    assert_eq!(refusal(session.chat_update(&update("1.000001")).await), "message_not_found");
    let delete = SlackApiChatDeleteRequest::new("C0DEPLOYS".into(), theirs.ts.into());
    assert_eq!(refusal(session.chat_delete(&delete).await), "cant_delete_message");
}

#[tokio::test]
async fn only_one_person_sees_an_ephemeral_and_no_method_returns_it() {
    let slack = Slack::start().await;
    let content = SlackMessageContent::new().with_text("only you".into());
    let request = SlackApiChatPostEphemeralRequest::new("C0DEPLOYS".into(), "U0BOB".into(), content);
    slack.session().chat_post_ephemeral(&request).await.unwrap();
    let view = slack.simulator.view();
    assert_eq!(view.render_ephemeral(&view.ephemerals("bob")[0]), "lockkeeper (only visible to bob):\n  only you");
    assert_eq!(view.ephemerals("alice"), []);
    assert_eq!(view.channel("deploys"), []);
}

#[tokio::test]
async fn a_permalink_leads_to_the_message_and_its_thread() {
    let slack = Slack::start().await;
    let root = slack.post("card").await;
    let reply = slack.session().chat_post_message(&post("line").with_thread_ts(root.clone())).await.unwrap().ts;
    let request = SlackApiChatGetPermalinkRequest::new("C0DEPLOYS".into(), reply.clone());
    let link = slack.session().chat_get_permalink(&request).await.unwrap().permalink;
    assert_eq!(link.path(), format!("/archives/C0DEPLOYS/p{}", reply.0.replace('.', "")));
    assert!(link.query().unwrap().starts_with(&format!("thread_ts={}", root.0)));
}

#[tokio::test]
async fn metadata_is_returned_only_on_request() {
    let slack = Slack::start().await;
    let body = json!({"channel": "C0DEPLOYS", "text": "x",
        "metadata": {"event_type": "rollout", "event_payload": {"key": "k1"}}});
    let (_, posted) = slack.raw("chat.postMessage", Some(slack.simulator.bot_token()), body).await;
    let ts = posted["ts"].as_str().unwrap().to_owned();
    let session = slack.session();
    for method in ["conversations.history", "conversations.replies"] {
        let ask = async |all: Option<&'static str>| -> serde_json::Value {
            let parameters =
                vec![("channel", Some("C0DEPLOYS")), ("ts", Some(ts.as_str())), ("include_all_metadata", all)];
            session.http_session_api.http_get(method, &parameters, None).await.unwrap()
        };
        assert_eq!(ask(Some("true")).await["messages"][0]["metadata"]["event_payload"]["key"], "k1", "{method}");
        assert_eq!(ask(None).await["messages"][0].get("metadata"), None, "{method}");
    }
}
