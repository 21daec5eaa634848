//! Tests the page in a real browser. They need Chromium (`apt-get install chromium`), or the path
//! of one in `CHROMIUM`.

#[cfg(test)]
mod chromium;
#[cfg(test)]
mod workspace;

use lockkeeper_slack_simulator::Click;
use serde_json::json;

use chromium::DEADLINE;
use workspace::{approval, open, post};

#[tokio::test]
async fn a_person_writes_and_sees_it_at_once() {
    let (simulator, browser) = open().await;
    browser.type_line("#composer-input", "moving orders now").await;
    browser.until("the message", "document.querySelector('#messages').textContent.includes('moving orders now')").await;
    assert_eq!(simulator.view().channel("deploys")[0].user, "U0ALICE");
}

#[tokio::test]
async fn only_its_author_sees_slacks_error_for_a_command_without_an_app() {
    let (_simulator, browser) = open().await;
    browser.type_line("#composer-input", "/flink list").await;
    browser.until("the error", "document.querySelector('.ephemeral')?.textContent.includes('dispatch_failed')").await;
    assert_eq!(browser.text(".ephemeral .note").await, "Only visible to you");
    browser.act_as("U0BOB").await;
    browser.until("Bob's view", "!document.querySelector('.ephemeral')").await;
}

#[tokio::test]
async fn markup_is_shown_and_never_run() {
    let (simulator, browser) = open().await;
    post(&simulator, approval()).await;
    browser.until("the message", "document.querySelector('#messages .block-actions')").await;
    assert_eq!(browser.text("#messages strong").await, "approve");
    assert_eq!(browser.text("#messages .text a").await, "this");
    assert_eq!(browser.text("#messages .mention.you").await, "@platform");
    simulator.say("bob", "deploys", "<img src=x onerror=alert(1)> <script>1</script>", None).unwrap();
    browser.until("the attack", "document.querySelector('#messages').textContent.includes('onerror')").await;
    assert_eq!(
        browser.evaluate("document.querySelectorAll('#messages .text img, #messages script').length").await,
        json!(0)
    );
}

#[tokio::test]
async fn a_press_that_is_not_confirmed_is_not_sent() {
    let (simulator, browser) = open().await;
    post(&simulator, approval()).await;
    browser.until("the button", "document.querySelector('[data-action=approve]')").await;
    browser.press("[data-action=approve]").await;
    browser.until("the dialog", "document.querySelector('#confirm').open").await;
    assert_eq!(browser.text("#confirm-title").await, "Approve?");
    browser.press("#confirm-no").await;
    browser.until("the end of the dialog", "!document.querySelector('#confirm').open").await;
    browser.press("[data-action=approve]").await;
    browser.press("#confirm-yes").await;
    browser.until("the warning", "document.querySelector('.kit-failed')?.textContent.includes('not connected')").await;
}

#[tokio::test]
async fn a_cancelled_dialog_does_not_cancel_the_next_one() {
    let (simulator, browser) = open().await;
    post(&simulator, approval()).await;
    browser.until("the button", "document.querySelector('[data-action=approve]')").await;
    // One script does both: the close event of the first dialog comes while the second dialog is open.
    let at_once = "for (const answer of ['no', 'yes']) { document.querySelector('[data-action=approve]').click(); \
        document.querySelector(`#confirm-${answer}`).click() }";
    browser.evaluate(at_once).await;
    browser.until("the warning", "document.querySelector('.kit-failed')?.textContent.includes('not connected')").await;
}

#[tokio::test]
async fn a_press_is_sent_as_the_person_who_is_selected_then() {
    let (simulator, browser) = open().await;
    post(&simulator, approval()).await;
    browser.until("the button", "document.querySelector('[data-action=approve]')").await;
    let watch = "window.sent = []; const real = fetch; window.fetch = (...all) => { sent.push(all[1]?.body); return real(...all); }; 0";
    browser.evaluate(watch).await;
    // One script does both, so that the page has no time to draw the button again.
    let at_once = "const who = document.querySelector('#acting'); who.value = 'U0BOB'; who.dispatchEvent(new Event('change')); \
        document.querySelector('[data-action=approve]').click(); document.querySelector('#confirm-yes').click()";
    browser.evaluate(at_once).await;
    browser.until("the press", "sent.some(body => body?.includes('approve'))").await;
    let pressed = browser.evaluate("sent.find(body => body?.includes('approve'))").await;
    assert!(pressed.as_str().unwrap().contains("U0BOB"), "{pressed}");
}

#[tokio::test]
async fn a_warning_is_shown_even_if_its_message_was_redrawn() {
    let (simulator, browser) = open().await;
    let message = post(&simulator, approval()).await;
    browser.until("the button", "document.querySelector('[data-action=approve]')").await;
    // The test delays the answer to the press until the message has changed.
    let hold = "window.answer = null; const real = fetch; window.fetch = (...all) => all[1]?.body?.includes('approve') \
        ? real(...all).then(got => new Promise(go => { window.answer = () => go(got); })) : real(...all); 0";
    browser.evaluate(hold).await;
    browser.press("[data-action=approve]").await;
    browser.press("#confirm-yes").await;
    browser.until("the answer", "window.answer").await;
    let mut body = approval();
    body["ts"] = json!(message.ts);
    body["blocks"][0]["text"]["text"] = json!("built anew");
    let url = format!("{}/chat.update", simulator.api_url());
    reqwest::Client::new().post(url).bearer_auth(simulator.bot_token()).json(&body).send().await.unwrap();
    browser.until("the change", "document.querySelector('#messages').textContent.includes('built anew')").await;
    browser.evaluate("window.answer(); 0").await;
    browser.until("the warning", "document.querySelector('.kit-failed')?.textContent.includes('not connected')").await;
    assert_eq!(browser.evaluate("document.querySelector('[data-action=approve]').disabled").await, json!(false));
}

#[tokio::test]
async fn a_thread_can_be_opened_and_closed_and_shows_new_replies() {
    let (simulator, browser) = open().await;
    let root = post(&simulator, json!({"channel": "C0DEPLOYS", "text": "card"})).await;
    post(&simulator, json!({"channel": "C0DEPLOYS", "text": "plan done", "thread_ts": root.ts})).await;
    browser.until("the count", "document.querySelector('.thread-link')?.textContent.startsWith('1 reply')").await;
    browser.press(".thread-link").await;
    browser.until("the reply", "document.querySelector('#thread-messages').textContent.includes('plan done')").await;
    browser.type_line("#thread-input", "well done").await;
    simulator.wait_for("the reply", DEADLINE, |view| view.thread("deploys", &root.ts).get(2).cloned()).await.unwrap();
    browser.until("both replies", "document.querySelectorAll('#thread-messages article').length === 3").await;
    browser.press("#thread-close").await;
    browser.until("the thread's end", "document.querySelector('#thread').hidden").await;
}

#[tokio::test]
async fn a_change_of_a_message_is_shown() {
    let (simulator, browser) = open().await;
    let message = post(&simulator, approval()).await;
    browser.until("the button", "document.querySelector('[data-action=approve]')").await;
    let url = format!("{}/chat.update", simulator.api_url());
    let update = json!({"channel": "C0DEPLOYS", "ts": message.ts, "text": "approved by bob"});
    reqwest::Client::new().post(url).bearer_auth(simulator.bot_token()).json(&update).send().await.unwrap();
    browser.until("the change", "!document.querySelector('[data-action=approve]')").await;
    let refused = simulator.click(&Click::new("bob", "deploys", &message.ts, "approve")).await;
    assert!(refused.is_err(), "a button that nobody sees was pressed");
}

#[tokio::test]
async fn a_screenshot_has_the_size_of_the_window() {
    let (_simulator, browser) = open().await;
    browser.resize(800, 600).await;
    // Signature and size of a PNG image: 800 is 0x320, 600 is 0x258.
    assert!(browser.screenshot("#layout").await.starts_with("iVBORw0KGgoAAAANSUhEUgAAAyAAAAJY"));
}
