//! People who read what they are answered: where that leaves open whether it was recorded, they look, and try again.

use std::time::Duration;

use lockkeeper_slack_simulator::{Click, Delivered, Simulator, View};
use serde_json::json;

use super::application::CHANNEL;

/// A machine that keeps Kubernetes waiting this often is not busy but broken.
pub const ATTEMPTS: usize = 5;
/// What was recorded shows within this time.
const SHOWS: Duration = Duration::from_secs(30);
/// What was clicked is answered, or has its effect, within this time.
const TAKEN: Duration = Duration::from_secs(120);

/// The rollout's name in an answer.
pub fn name_in(answer: &str) -> Option<String> {
    let (_, rest) = answer.split_once("as `")?;
    Some(rest.split_once('`')?.0.to_owned())
}

/// Types a command that starts a rollout, by `ask`, which returns the answer; the rollout's name.
pub async fn started(slack: &Simulator, line: &str, ask: impl AsyncFn() -> String) -> String {
    for _ in 0..ATTEMPTS {
        let known = shown(slack.view());
        let answer = ask().await;
        if let Some(name) = name_in(&answer) {
            return name;
        }
        assert!(leaves_open(&answer), "{line}: {answer}");
        let fresh = |view: &View<'_>| shown(*view).into_iter().find(|name| !known.contains(name));
        if let Ok(name) = slack.wait_for("a new card", SHOWS, fresh).await {
            return name;
        }
    }
    panic!("{line}: Kubernetes did not take it {ATTEMPTS} times");
}

/// Presses a button that goes once it was taken.
pub async fn pressed(slack: &Simulator, user: &str, ts: &str, action: &str) {
    for attempt in 0..ATTEMPTS {
        // A bot that lost its lease is away for a while.
        slack.wait_for("a bot to hear it", TAKEN, |view| (view.sockets() > 0).then_some(())).await.unwrap();
        let told = slack.view().ephemerals(user).len();
        match slack.click(&Click::new(user, CHANNEL, ts, action)).await {
            Ok(outcome) if outcome.delivered == Delivered::Acknowledged => {}
            Ok(_) => continue,
            // It went since, so what was said before was heard.
            Err(_) if attempt > 0 => return,
            Err(refusal) => panic!("{action}: {refusal}"),
        }
        let taken = |view: &View<'_>| {
            let answers = view.ephemerals(user);
            let open = answers.iter().skip(told).any(|answer| leaves_open(&answer.text));
            let there =
                view.message(CHANNEL, ts).is_some_and(|message| json!(message.blocks).to_string().contains(action));
            if open { Some(false) } else { (!there).then_some(true) }
        };
        if slack.wait_for("what became of a click", TAKEN, taken).await.unwrap() {
            return;
        }
    }
    panic!("{action}: Kubernetes did not take it {ATTEMPTS} times");
}

/// Whether an answer is Slack's that none came, or one that says to try again.
fn leaves_open(answer: &str) -> bool {
    ["ry again", "operation_timeout", "dispatch_failed"].iter().any(|words| answer.contains(words))
}

/// The rollouts that have a card.
fn shown(view: View<'_>) -> Vec<String> {
    let cards = view.channel(CHANNEL).into_iter().filter(|message| !message.is_reply());
    // Its last line; other parts of a card may be in the same font.
    let name = |card: &str| Some(card.split_once("` in namespace `")?.0.rsplit_once('`')?.1.to_owned());
    cards.filter_map(|card| name(&view.render(&card))).collect()
}
