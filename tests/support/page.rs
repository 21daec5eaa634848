//! A person at the simulator's page in headless Chromium: types commands, opens threads and presses buttons.

use std::{path::Path, time::Duration};

use k8s_openapi::ByteString;
use lockkeeper_slack_simulator::Simulator;
use serde_json::json;

use crate::support::slack_user;

// The simulator's own tests use the same driver.
#[path = "../../sandbox/slack/tests/page/chromium.rs"]
#[expect(dead_code, reason = "the simulator's own tests use all of it, and warn about dead code")]
mod chromium;

use chromium::Browser;

/// The folder for screenshots. None are kept if it is not set.
const SCREENSHOTS: &str = "LOCKKEEPER_SCREENSHOTS";
/// The thread gets two fifths of it.
const WIDTH: u64 = 1900;

pub struct Page(Browser);

impl Page {
    /// Opens the page and waits until it shows #deploys.
    pub async fn open(slack: &Simulator) -> Self {
        let browser = Browser::open(&slack.page_url()).await;
        browser.until("the channel", "document.querySelector('#channel-title')?.textContent === '# deploys'").await;
        Self(browser)
    }

    /// Chooses the person at the page, by id.
    pub async fn act_as(&self, user: &str) {
        self.0.act_as(user).await;
        self.0.until("the person", &format!("document.querySelector('#acting').value === {}", json!(user))).await;
    }

    /// Types a command that starts a rollout. Returns the rollout's name.
    pub async fn start_rollout(&self, slack: &Simulator, line: &str) -> String {
        slack_user::start_rollout(slack, line, async || self.run_command(line).await).await
    }

    /// Types a command. Returns the answer, with backticks around code.
    async fn run_command(&self, line: &str) -> String {
        let count = "document.querySelectorAll('#messages .ephemeral').length";
        let before = self.0.evaluate(count).await;
        self.0.type_line("#composer-input", line).await;
        self.0.until("an answer", &format!("{count} > {before}")).await;
        let last = "[...document.querySelectorAll('#messages .ephemeral')].at(-1).cloneNode(true)";
        let marked = format!(
            "(answer => {{ answer.querySelectorAll('code').forEach(code => code.textContent = '`' + code.textContent + '`'); \
             return answer.textContent }})({last})"
        );
        self.0.evaluate(&marked).await.as_str().unwrap().to_owned()
    }

    /// Waits for an answer that only this person can read.
    pub async fn wait_for_answer(&self, text: &str) {
        let answers = "[...document.querySelectorAll('.ephemeral')]";
        let look = format!("{answers}.some(one => one.textContent.includes({}))", json!(text));
        self.0.until(&format!("the answer \"{text}\""), &look).await;
    }

    /// Opens the thread below the card of a rollout.
    pub async fn open_thread(&self, rollout: &str) {
        let cards = "[...document.querySelectorAll('#messages article:not(.ephemeral)')]";
        let link = format!(
            "{cards}.find(card => card.textContent.includes({}))?.querySelector('.thread-link')",
            json!(rollout)
        );
        self.0.until("the card's thread", &link).await;
        self.0.evaluate(&format!("{link}.click()")).await;
        self.0.until("the thread", "!document.querySelector('#thread').hidden").await;
    }

    /// Presses a button in the open thread and confirms.
    pub async fn press(&self, action: &str) {
        let button = format!("#thread-messages [data-action='{action}']");
        self.0.until(action, &format!("document.querySelector({})?.disabled === false", json!(button))).await;
        self.0.press(&button).await;
        self.0.until("the confirmation", "document.querySelector('#confirm').open").await;
        self.0.press("#confirm-yes").await;
    }

    /// Waits until the open thread has this text.
    pub async fn wait_for_thread_text(&self, text: &str, deadline: Duration) {
        let look = format!("document.querySelector('#thread-messages').textContent.includes({})", json!(text));
        self.0.until_within(deadline, &format!("\"{text}\" in the thread"), &look).await;
    }

    /// Takes a picture of the whole open thread, if pictures are wanted. Paths below `folder` are shortened, because they only exist on
    /// this machine.
    pub async fn take_screenshot(&self, name: &str, folder: &Path) {
        let Some(pictures) = std::env::var_os(SCREENSHOTS) else { return };
        let shorten = format!(
            "(texts => {{ while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replaceAll({}, '/…') }})\
             (document.createTreeWalker(document.querySelector('#thread-messages'), NodeFilter.SHOW_TEXT))",
            json!(folder)
        );
        self.0.evaluate(&shorten).await;
        self.0.resize(WIDTH, 900).await;
        let beyond = "(list => list.scrollHeight - list.clientHeight)(document.querySelector('#thread-messages'))";
        let beyond = self.0.evaluate(beyond).await.as_u64().unwrap();
        self.0.resize(WIDTH, 900 + beyond).await;
        let image = self.0.screenshot("#thread-messages").await;
        let image: ByteString = serde_json::from_value(json!(image)).unwrap();
        std::fs::write(Path::new(&pictures).join(format!("{name}.png")), image.0).unwrap();
    }
}
