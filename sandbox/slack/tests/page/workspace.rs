//! A simulator with a browser on its page.

use lockkeeper_slack_simulator::{Config, Message, Simulator};
use serde_json::{Value, json};

use crate::chromium::Browser;

/// Starts a simulator and a browser in which Alice has #deploys open.
pub async fn open() -> (Simulator, Browser) {
    let simulator = Simulator::start(Config::new().unwrap()).await.unwrap();
    let browser = Browser::open(&simulator.page_url()).await;
    browser.until("the channel", "document.querySelector('#channel-title')?.textContent === '# deploys'").await;
    (simulator, browser)
}

/// Posts a message as the app.
pub async fn post(simulator: &Simulator, body: Value) -> Message {
    let url = format!("{}/chat.postMessage", simulator.api_url());
    let request = reqwest::Client::new().post(url).bearer_auth(simulator.bot_token()).json(&body);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    simulator.view().message("deploys", answer["ts"].as_str().unwrap()).unwrap()
}

/// A message with a button that needs a confirmation.
pub fn approval() -> Value {
    let plain = |text: &str| json!({"type": "plain_text", "text": text});
    let confirm = json!({"title": plain("Approve?"), "text": plain("It stops for 20 s."), "confirm": plain("Yes"), "deny": plain("No")});
    json!({"channel": "C0DEPLOYS", "text": "approval needed", "blocks": [
        {"type": "section", "text": {"type": "mrkdwn", "text": "<!subteam^S0PLATFORM> *approve* <https://a.b|this> &lt;b&gt;"}},
        {"type": "actions", "elements": [
            {"type": "button", "text": plain("Approve"), "action_id": "approve", "value": "1", "confirm": confirm}]}]})
}
