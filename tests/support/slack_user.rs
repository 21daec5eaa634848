//! A person in Slack who types a command. On a busy machine an answer may leave open whether the request was recorded.
//! Then this person looks for the rollout's card, and tries again if there is none.

use std::time::Duration;

use lockkeeper_slack_simulator::{Simulator, View};

use crate::support::bot::CHANNEL;

/// After this many attempts Kubernetes is broken, not busy.
pub const MAX_ATTEMPTS: usize = 5;
/// The card of a recorded rollout is posted within this time.
const CARD_TIMEOUT: Duration = Duration::from_secs(30);

/// Finds the rollout's name in an answer.
pub fn rollout_name_in(answer: &str) -> Option<String> {
    let (_, rest) = answer.split_once("as `")?;
    Some(rest.split_once('`')?.0.to_owned())
}

/// Starts a rollout. `run_command` types `line` and returns the answer. Returns the rollout's name.
pub async fn start_rollout(slack: &Simulator, line: &str, run_command: impl AsyncFn() -> String) -> String {
    for _ in 0..MAX_ATTEMPTS {
        let earlier = rollouts_with_card(slack.view());
        let answer = run_command().await;
        if let Some(name) = rollout_name_in(&answer) {
            return name;
        }
        assert!(asks_to_try_again(&answer), "{line}: {answer}");
        let new = |view: &View<'_>| rollouts_with_card(*view).into_iter().find(|name| !earlier.contains(name));
        if let Ok(name) = slack.wait_for("a new card", CARD_TIMEOUT, new).await {
            return name;
        }
    }
    panic!("{line}: no rollout was recorded in {MAX_ATTEMPTS} attempts");
}

/// Whether the bot asks to try again, or Slack says that the bot did not answer.
pub fn asks_to_try_again(answer: &str) -> bool {
    ["ry again", "operation_timeout", "dispatch_failed"].iter().any(|words| answer.contains(words))
}

fn rollouts_with_card(view: View<'_>) -> Vec<String> {
    let cards = view.channel(CHANNEL).into_iter().filter(|message| !message.is_reply());
    // The name is in the card's last line. Other lines use the same font.
    let name = |card: &str| Some(card.split_once("` in namespace `")?.0.rsplit_once('`')?.1.to_owned());
    cards.filter_map(|card| name(&view.render(&card))).collect()
}
