//! A person in Slack who presses a button until the bot has recorded it.

use std::time::Duration;

use lockkeeper_slack_simulator::{Click, Delivered, Simulator, View};
use serde_json::json;

use crate::support::{
    bot::CHANNEL,
    slack_user::{MAX_ATTEMPTS, asks_to_try_again},
};

/// A click is answered, or its button removed, within this time.
const CLICK_TIMEOUT: Duration = Duration::from_secs(120);

/// Presses a button that the bot removes once the click is recorded.
pub async fn press_button(slack: &Simulator, user: &str, ts: &str, action: &str) {
    for attempt in 0..MAX_ATTEMPTS {
        // A bot that lost its lease is away until it has started again.
        slack.wait_for("a connected bot", CLICK_TIMEOUT, |view| (view.sockets() > 0).then_some(())).await.unwrap();
        let answers_before = slack.view().ephemerals(user).len();
        match slack.click(&Click::new(user, CHANNEL, ts, action)).await {
            Ok(outcome) if outcome.delivered == Delivered::Acknowledged => {}
            Ok(_) => continue,
            // The button is gone, so the click of an earlier attempt was recorded.
            Err(_) if attempt > 0 => return,
            Err(refusal) => panic!("{action}: {refusal}"),
        }
        let recorded = |view: &View<'_>| {
            let answers = view.ephemerals(user);
            let try_again = answers.iter().skip(answers_before).any(|answer| asks_to_try_again(&answer.text));
            let message = view.message(CHANNEL, ts);
            let still_shown = message.is_some_and(|message| json!(message.blocks).to_string().contains(action));
            if try_again { Some(false) } else { (!still_shown).then_some(true) }
        };
        if slack.wait_for("the result of a click", CLICK_TIMEOUT, recorded).await.unwrap() {
            return;
        }
    }
    panic!("{action}: the click was not recorded in {MAX_ATTEMPTS} attempts");
}
