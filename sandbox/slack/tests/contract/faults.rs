//! Injected failures and outages, as the client sees them.

use lockkeeper_slack_simulator::{Failure, Outage, Refusal};
use slack_morphism::errors::SlackClientError;
use slack_morphism::prelude::*;

use crate::support::{Bot, DEADLINE, Slack, post};

#[tokio::test]
async fn a_message_stays_when_its_answer_is_lost() {
    let slack = Slack::start().await;
    slack.simulator.fail("chat.postMessage", 1, &Failure::ClosedAfter);
    let error = slack.session().chat_post_message(&post("once")).await.unwrap_err();
    assert!(matches!(error, SlackClientError::HttpProtocolError(_)), "{error}");
    let texts: Vec<String> = slack.simulator.view().channel("deploys").into_iter().map(|one| one.text).collect();
    assert_eq!(texts, ["once"]);
    assert_eq!(slack.simulator.calls()[0].outcome, "closed_after_effect");
}

#[tokio::test]
async fn a_lost_request_has_no_effect() {
    let slack = Slack::start().await;
    slack.simulator.fail("chat.postMessage", 1, &Failure::ClosedBefore);
    assert!(slack.session().chat_post_message(&post("never")).await.is_err());
    assert_eq!(slack.simulator.view().channel("deploys"), []);
    slack.post("the next call works").await;
}

#[tokio::test]
async fn a_call_without_an_answer_still_has_its_effect() {
    let slack = Slack::start().await;
    slack.simulator.fail("chat.postMessage", 1, &Failure::SilentAfter);
    let request = post("there");
    let session = slack.session();
    let call = session.chat_post_message(&request);
    let seen = slack.simulator.wait_for("the message", DEADLINE, |view| view.channel("deploys").pop());
    tokio::select! {
        answer = call => panic!("answered after all: {answer:?}"),
        seen = seen => assert_eq!(seen.unwrap().text, "there"),
    }
}

#[tokio::test]
async fn a_method_fails_the_requested_number_of_times_and_then_works() {
    let slack = Slack::start().await;
    slack.simulator.fail("chat.postMessage", 1, &Failure::Error { code: "internal_error".into() });
    slack.simulator.fail("chat.postMessage", 1, &Failure::Http { status: 502 });
    let session = slack.session();
    let next = async || session.chat_post_message(&post("x")).await;
    assert!(matches!(next().await, Err(SlackClientError::ApiError(error)) if error.code == "internal_error"));
    assert!(matches!(next().await, Err(SlackClientError::HttpError(error)) if error.status_code.as_u16() == 502));
    next().await.unwrap();
    let outcomes: Vec<String> = slack.simulator.calls().into_iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes, ["internal_error", "http_502", "ok"]);
    assert_eq!(slack.simulator.failures_pending(), 0);
}

#[tokio::test]
async fn a_call_before_retry_after_has_to_wait_again() {
    let slack = Slack::start().await;
    slack.simulator.fail("chat.postMessage", 1, &Failure::RateLimited { seconds: 60 });
    let session = slack.session();
    for _ in 0..2 {
        let limited = session.chat_post_message(&post("x")).await.unwrap_err();
        let SlackClientError::RateLimitError(limited) = limited else { panic!("{limited}") };
        assert!(limited.retry_after.unwrap().as_secs() >= 59);
    }
    session.auth_test().await.unwrap();
    assert_eq!(slack.simulator.failures_pending(), 0);
}

#[tokio::test]
async fn slack_goes_away_and_comes_back() {
    let slack = Slack::start().await;
    let bot = Bot::connect(&slack, 1, |_| SlackMessageContent::new().with_text("here".into())).await;
    for outage in [Outage::Unavailable, Outage::ConnectionClosed] {
        slack.simulator.go_away(outage);
        assert!(slack.session().auth_test().await.is_err(), "{outage:?}");
        assert_eq!(slack.simulator.view().sockets(), 0);
        let refused = slack.simulator.command("alice", "deploys", "/flink list").await;
        assert_eq!(refused, Err(Refusal::SlackIsAway));
        slack.simulator.come_back();
        slack.session().auth_test().await.unwrap();
    }
    slack.simulator.wait_for("the bot", DEADLINE, |view| (view.sockets() == 1).then_some(())).await.unwrap();
    assert_eq!(slack.simulator.command("alice", "deploys", "/flink list").await.unwrap().text(), "here");
    assert!(bot.received.lock().unwrap().hellos >= 2);
}

#[tokio::test]
async fn a_black_hole_does_not_answer_until_the_outage_ends() {
    let slack = Slack::start().await;
    slack.simulator.go_away(Outage::BlackHole);
    let session = slack.session();
    let call = session.auth_test();
    tokio::pin!(call);
    let answered = tokio::time::timeout(std::time::Duration::from_millis(100), &mut call).await;
    assert!(answered.is_err(), "a black hole answered");
    slack.simulator.come_back();
    assert!(call.await.is_err(), "a request from the outage was answered");
    slack.session().auth_test().await.unwrap();
}
