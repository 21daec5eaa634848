//! The simulator as a value: start it, act in it as people, read what they see, and break what can break.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::interaction::{self, Click, ClickOutcome, CommandOutcome, Delivered, Refusal};
use crate::server;
use crate::state::{ApiCall, Failure, Outage, Shared};
use crate::view::View;
use crate::world::{Channel, Message, User, UserGroup};

/// How long a wait goes without looking, where nothing changes in the workspace.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A running Slack. It ends, with all its connections, when it is dropped.
pub struct Simulator {
    shared: Arc<Shared>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Simulator {
    /// Starts to listen. Fails if the address is taken, or is not a loopback address.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        ensure!(
            config.listen.ip().is_loopback(),
            "the Slack simulator has no passwords and listens on loopback only, not on {}",
            config.listen
        );
        let listener = TcpListener::bind(config.listen).await.with_context(|| {
            format!("the Slack simulator cannot listen on {}; is one running there?", config.listen)
        })?;
        let address = listener.local_addr().context("the listening socket has no address")?;
        let shared = Arc::new(Shared::new(config, format!("http://{address}")));
        let server = tokio::spawn(server::serve(listener, server::router(&shared)));
        Ok(Self { shared, address, server })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Such as `http://127.0.0.1:4010`. The page is at its `/`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// What a client takes for `https://slack.com/api`; no slash at the end.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("{}/api", self.shared.base_url)
    }

    /// The page for people.
    #[must_use]
    pub fn page_url(&self) -> String {
        format!("{}/", self.shared.base_url)
    }

    /// The bot token of the installed app.
    #[must_use]
    pub fn bot_token(&self) -> &str {
        &self.shared.tokens.bot
    }

    /// The app-level token, for Socket Mode.
    #[must_use]
    pub fn app_token(&self) -> &str {
        &self.shared.tokens.app
    }

    /// Types a slash command as a person, and waits for the acknowledgement (3 s at most).
    ///
    /// `user` and `channel` are ids or names; `line` is all that is typed, with the command: `/flink list`.
    pub async fn command(&self, user: &str, channel: &str, line: &str) -> Result<CommandOutcome, Refusal> {
        interaction::command(&self.shared, user, channel, line, None).await
    }

    /// Presses a button as a person, confirmation included, and waits for the acknowledgement (3 s at most).
    pub async fn click(&self, click: &Click) -> Result<ClickOutcome, Refusal> {
        interaction::click(&self.shared, click, 1).await
    }

    /// Presses a button once, of which the app hears twice: the same payload comes again, as after an acknowledgement
    /// that was lost.
    pub async fn click_repeated(&self, click: &Click) -> Result<ClickOutcome, Refusal> {
        interaction::click(&self.shared, click, 2).await
    }

    /// Sends the app an envelope of any kind with any payload, as Slack never would, and waits for the acknowledgement (3 s at
    /// most).
    pub async fn send_envelope(&self, kind: &str, payload: serde_json::Value) -> Result<Delivered, Refusal> {
        interaction::envelope(&self.shared, kind, payload).await
    }

    /// Sends text that need be no envelope, nor JSON, to one socket; whether there was one.
    pub fn send_frame(&self, text: &str) -> Result<bool, Refusal> {
        interaction::frame(&self.shared, text)
    }

    /// Writes a message as a person, in the channel or in a thread.
    pub fn say(&self, user: &str, channel: &str, text: &str, thread_ts: Option<&str>) -> Result<Message, Refusal> {
        interaction::say(&self.shared, user, channel, text, thread_ts)
    }

    /// What can be seen in the workspace now.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View::new(&self.shared)
    }

    /// Waits until `look` finds something, looking again after each change; an error that says what was awaited, and shows
    /// the channels, once `deadline` has passed.
    pub async fn wait_for<T>(
        &self,
        what: &str,
        deadline: Duration,
        mut look: impl FnMut(&View<'_>) -> Option<T>,
    ) -> anyhow::Result<T> {
        let mut changes = self.shared.changes();
        let found = tokio::time::timeout(deadline, async {
            loop {
                changes.borrow_and_update();
                if let Some(found) = look(&self.view()) {
                    return found;
                }
                // `look` may depend on the bot too, whose changes are not announced here.
                drop(tokio::time::timeout(LOOK_AGAIN, changes.changed()).await);
            }
        });
        found.await.ok().with_context(|| {
            format!("waited {deadline:?} in vain for {what}. The workspace shows:\n{}", self.view().render_all())
        })
    }

    /// Takes Slack away: closes all sockets, and treats every request as `outage` says. The control interface stays.
    pub fn go_away(&self, outage: Outage) {
        self.shared.go_away(outage);
    }

    /// Brings Slack back.
    pub fn come_back(&self) {
        self.shared.come_back();
    }

    /// Makes the next `times` calls of a Web API method fail; further failures queue up behind.
    pub fn fail(&self, method: &str, times: usize, failure: &Failure) {
        self.shared.faults().add(method, times, failure);
    }

    /// Forgets failures that have not happened yet.
    pub fn clear_failures(&self) {
        self.shared.faults().clear();
    }

    /// How many failures are yet to happen.
    #[must_use]
    pub fn failures_pending(&self) -> usize {
        self.shared.faults().pending()
    }

    /// Sends `disconnect` on all sockets: `refresh_requested` (they get nothing more), or `warning` (they go on).
    pub fn announce_disconnect(&self, reason: &str) {
        self.shared.sockets.announce_disconnect(reason);
        self.shared.notify();
    }

    /// Closes all sockets without a word. Clients may open new ones.
    pub fn close_sockets(&self) {
        self.shared.sockets.close_all();
        self.shared.notify();
    }

    /// All calls of the Web API since the start, or since `forget_calls`.
    #[must_use]
    pub fn calls(&self) -> Vec<ApiCall> {
        self.shared.calls().all()
    }

    /// How often a method was called, refused calls included.
    #[must_use]
    pub fn call_count(&self, method: &str) -> usize {
        self.shared.calls().count(method)
    }

    /// Starts the log of calls anew.
    pub fn forget_calls(&self) {
        self.shared.calls().clear();
    }

    /// Adds a person, or replaces the one with the same id.
    pub fn put_user(&self, user: User) {
        self.shared.put_user(user);
    }

    /// Adds a channel, or replaces the one with the same id; its messages stay.
    pub fn put_channel(&self, channel: Channel) {
        self.shared.put_channel(channel);
    }

    /// Adds a user group, or replaces the one with the same id.
    pub fn put_group(&self, group: UserGroup) {
        self.shared.put_group(group);
    }

    /// Stops listening and closes every connection.
    pub async fn stop(mut self) {
        self.shared.sockets.close_all();
        self.server.abort();
        drop((&mut self.server).await);
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.shared.sockets.close_all();
        self.server.abort();
    }
}
