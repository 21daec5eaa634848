//! What people do and read in the simulated Slack.

use lockkeeper_slack_simulator::{Message, Simulator, View};

use crate::support::{
    bot::{CHANNEL, DEADLINE},
    slack_user,
};

/// Types a command as a person. Returns the answer.
pub async fn run_command(slack: &Simulator, user: &str, line: &str) -> String {
    slack.command(user, CHANNEL, line).await.unwrap().text().to_owned()
}

/// Types a command that starts a rollout. Returns the rollout's name.
pub async fn start_rollout(slack: &Simulator, user: &str, line: &str) -> String {
    slack_user::start_rollout(slack, line, async || run_command(slack, user, line).await).await
}

/// Waits for a message with this text among the card and the thread of a rollout.
pub async fn wait_for_message(slack: &Simulator, rollout: &str, text: &str) -> Message {
    let (quoted, what) = (format!("`{rollout}`"), format!("{text:?} in the thread of {rollout}"));
    let find = |view: &View<'_>| {
        let mut cards = list_cards(*view).into_iter().filter(|card| view.render(card).contains(&quoted));
        cards.find_map(|card| {
            let thread = view.thread(CHANNEL, &card.ts);
            thread.into_iter().find(|message| view.render(message).contains(text))
        })
    };
    slack.wait_for(&what, DEADLINE * 2, find).await.unwrap()
}

/// Waits until a person is answered with this text. Returns the whole answer.
pub async fn wait_for_answer(slack: &Simulator, user: &str, text: &str) -> String {
    let find = |view: &View<'_>| {
        let mut answers = view.ephemerals(user).into_iter().map(|answer| answer.text);
        answers.rfind(|answer| answer.contains(text))
    };
    slack.wait_for(&format!("{user} is told {text:?}"), DEADLINE, find).await.unwrap()
}

pub fn list_cards(view: View<'_>) -> Vec<Message> {
    view.channel(CHANNEL).into_iter().filter(|message| !message.is_reply()).collect()
}

/// Waits until Slack has this many messages. The bot does not know about the last one, because its answer was lost.
pub async fn wait_for_messages(slack: &Simulator, count: usize) {
    let find = |view: &View<'_>| {
        let all: usize = list_cards(*view).iter().map(|card| view.thread(CHANNEL, &card.ts).len()).sum();
        (all >= count).then_some(())
    };
    slack.wait_for("a message whose answer was lost", DEADLINE, find).await.unwrap();
}
