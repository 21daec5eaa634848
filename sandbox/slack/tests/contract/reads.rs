//! The reading methods and their paging.

use slack_morphism::prelude::*;

use crate::support::{Slack, refusal};

#[tokio::test]
async fn auth_test_says_who_the_bot_is() {
    let slack = Slack::start().await;
    let me = slack.session().auth_test().await.unwrap();
    assert_eq!(
        (me.team_id, me.user_id, me.bot_id),
        ("T0LOCK".into(), "U0LOCKKEEPER".into(), Some("B0LOCKKEEPER".into()))
    );
}

#[tokio::test]
async fn groups_and_their_members_are_listed() {
    let slack = Slack::start().await;
    let session = slack.session();
    let groups = session.usergroups_list(&SlackApiUserGroupsListRequest::new().with_include_users(true)).await.unwrap();
    assert_eq!(groups.usergroups[0].handle, "platform");
    assert_eq!(groups.usergroups[0].users.as_ref().unwrap().len(), 2);
    let users = |id: &str| SlackApiUserGroupsUsersListRequest::new(id.into());
    let members = session.usergroups_users_list(&users("S0PLATFORM")).await.unwrap().users;
    assert_eq!(members, ["U0ALICE".into(), "U0BOB".into()]);
    assert_eq!(refusal(session.usergroups_users_list(&users("S0NOBODY")).await), "no_such_subteam");
}

#[tokio::test]
async fn people_and_members_are_listed() {
    let slack = Slack::start().await;
    let session = slack.session();
    let info = |id: &str| SlackApiUsersInfoRequest::new(id.into());
    assert_eq!(session.users_info(&info("U0CAROL")).await.unwrap().user.name.as_deref(), Some("carol"));
    assert_eq!(refusal(session.users_info(&info("U0NOBODY")).await), "user_not_found");
    let everyone = session.users_list(&SlackApiUsersListRequest::new()).await.unwrap().members;
    assert_eq!(everyone.len(), 4, "three people and the bot");
    let request = SlackApiConversationsMembersRequest::new().with_channel("C0DEPLOYS".into());
    assert_eq!(session.conversations_members(&request).await.unwrap().members.len(), 4);
}

#[tokio::test]
async fn a_channel_says_whether_the_bot_is_in_it() {
    let slack = Slack::start().await;
    let session = slack.session();
    let info = async |id: &str| session.conversations_info(&SlackApiConversationsInfoRequest::new(id.into())).await;
    assert_eq!(info("C0DEPLOYS").await.unwrap().channel.flags.is_member, Some(true));
    assert_eq!(info("C0RANDOM").await.unwrap().channel.flags.is_member, Some(false));
    assert_eq!(refusal(info("C0NOWHERE").await), "channel_not_found");
    let all = session.conversations_list(&SlackApiConversationsListRequest::new()).await.unwrap().channels;
    assert_eq!(all.len(), 2);
}

#[tokio::test]
async fn history_is_paged_newest_first_and_limited_by_time() {
    let slack = Slack::start().await;
    let session = slack.session();
    let mut posted = Vec::new();
    for number in 0..5 {
        posted.push(slack.post(&number.to_string()).await);
    }
    let ask = || SlackApiConversationsHistoryRequest::new().with_channel("C0DEPLOYS".into());
    let mut texts = Vec::new();
    let mut cursor = None;
    loop {
        let page = session.conversations_history(&ask().with_limit(2).opt_cursor(cursor)).await.unwrap();
        assert!(page.messages.len() <= 2);
        texts.extend(page.messages.into_iter().filter_map(|message| message.content.text));
        cursor = page.response_metadata.and_then(|metadata| metadata.next_cursor);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(texts, ["4", "3", "2", "1", "0"]);
    let between = ask().with_oldest(posted[1].clone()).with_latest(posted[3].clone());
    let count = async |request| session.conversations_history(&request).await.unwrap().messages.len();
    assert_eq!(count(between.clone()).await, 1, "both ends are left out");
    assert_eq!(count(between.with_inclusive(true)).await, 3);
    assert_eq!(refusal(session.conversations_history(&ask().with_limit(5000)).await), "invalid_limit");
    assert_eq!(refusal(session.conversations_history(&ask().with_cursor("x".into())).await), "invalid_cursor");
}

#[tokio::test]
async fn replies_come_oldest_first_with_their_root() {
    let slack = Slack::start().await;
    let root = slack.post("card").await;
    for line in ["plan", "savepoint"] {
        let reply = crate::support::post(line).with_thread_ts(root.clone());
        slack.session().chat_post_message(&reply).await.unwrap();
    }
    let request = SlackApiConversationsRepliesRequest::new("C0DEPLOYS".into(), root.clone());
    let replies = slack.session().conversations_replies(&request).await.unwrap().messages;
    let texts: Vec<_> = replies.iter().filter_map(|message| message.content.text.as_deref()).collect();
    assert_eq!(texts, ["card", "plan", "savepoint"]);
    assert_eq!(replies[1].origin.thread_ts.as_ref(), Some(&root));
    let nowhere = SlackApiConversationsRepliesRequest::new("C0DEPLOYS".into(), "1.000001".into());
    assert_eq!(refusal(slack.session().conversations_replies(&nowhere).await), "thread_not_found");
}
