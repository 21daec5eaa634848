//! A person at the simulator's page, in headless Chromium: types, opens threads, presses buttons and confirms.

use std::{path::Path, time::Duration};

use k8s_openapi::ByteString;
use lockkeeper_slack_simulator::Simulator;
use serde_json::json;

use super::asked;

// The simulator's own tests drive the same page.
#[path = "../../sandbox/slack/tests/page/chromium.rs"]
mod chromium;

use chromium::Browser;

/// Folder for screenshots; none are kept if it is not set.
const SCREENSHOTS: &str = "LOCKKEEPER_SCREENSHOTS";
/// Of which the thread gets two fifths.
const WIDTH: u64 = 1900;

pub struct Page(Browser);

impl Page {
    /// Opens the page and waits until it shows #deploys.
    pub async fn open(slack: &Simulator) -> Self {
        let browser = Browser::open(&slack.page_url()).await;
        browser.until("the channel", "document.querySelector('#channel-title')?.textContent === '# deploys'").await;
        Self(browser)
    }

    /// Chooses who sits at the page, by id.
    pub async fn act_as(&self, user: &str) {
        self.0.act_as(user).await;
        self.0.until("the person", &format!("document.querySelector('#acting').value === {}", json!(user))).await;
    }

    /// Types a command that starts a rollout; the rollout's name.
    pub async fn start(&self, slack: &Simulator, line: &str) -> String {
        asked::started(slack, line, async || self.answer(line).await).await
    }

    /// Types a command; the answer, with backticks around what is shown as code.
    async fn answer(&self, line: &str) -> String {
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

    /// Waits for an answer that only this person sees.
    pub async fn told(&self, text: &str) {
        let shown = "[...document.querySelectorAll('.ephemeral')]";
        let look = format!("{shown}.some(one => one.textContent.includes({}))", json!(text));
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

    /// Presses a button in the open thread, and confirms.
    pub async fn press(&self, action: &str) {
        let button = format!("#thread-messages [data-action='{action}']");
        self.0.until(action, &format!("document.querySelector({})?.disabled === false", json!(button))).await;
        self.0.press(&button).await;
        self.0.until("the confirmation", "document.querySelector('#confirm').open").await;
        self.0.press("#confirm-yes").await;
    }

    /// Waits until the open thread says something.
    pub async fn says(&self, text: &str, deadline: Duration) {
        let look = format!("document.querySelector('#thread-messages').textContent.includes({})", json!(text));
        self.0.until_within(deadline, &format!("\"{text}\" in the thread"), &look).await;
    }

    /// A picture of the whole open thread, if pictures are wanted. `folder` is the machine's own and means nothing to others.
    pub async fn photograph(&self, name: &str, folder: &Path) {
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
