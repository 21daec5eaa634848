//! The simulator for tests in Rust: it acts as people, reads what they see, and injects failures.

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

/// How often a wait checks its condition while the workspace does not change.
const RECHECK_INTERVAL: Duration = Duration::from_millis(50);

/// A running simulator. Dropping it closes all its connections.
pub struct Simulator {
    shared: Arc<Shared>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Simulator {
    /// Starts the server. Fails if the address is in use or is not a loopback address.
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

    /// The address of the server.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as a URL, such as `http://127.0.0.1:4010`. The page is at `/`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// The URL that replaces `https://slack.com/api`, without a slash at the end.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("{}/api", self.shared.base_url)
    }

    /// The URL of the page for people.
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

    /// Types a slash command as a person and waits up to 3 s for the acknowledgement.
    ///
    /// `user` and `channel` are ids or names. `line` is the whole line with the command: `/flink list`.
    pub async fn command(&self, user: &str, channel: &str, line: &str) -> Result<CommandOutcome, Refusal> {
        interaction::run_command(&self.shared, user, channel, line, None).await
    }

    /// Presses a button as a person, confirms it, and waits up to 3 s for the acknowledgement.
    pub async fn click(&self, click: &Click) -> Result<ClickOutcome, Refusal> {
        interaction::press(&self.shared, click, 1).await
    }

    /// Presses a button once and sends the payload twice, as Slack does after a lost acknowledgement.
    pub async fn click_repeated(&self, click: &Click) -> Result<ClickOutcome, Refusal> {
        interaction::press(&self.shared, click, 2).await
    }

    /// Sends an envelope that Slack would never send, and waits up to 3 s for the acknowledgement.
    pub async fn send_envelope(&self, kind: &str, payload: serde_json::Value) -> Result<Delivered, Refusal> {
        interaction::send_envelope(&self.shared, kind, payload).await
    }

    /// Sends any text to one socket. It may be no envelope or no JSON. Returns whether there was a socket.
    pub fn send_frame(&self, text: &str) -> Result<bool, Refusal> {
        interaction::send_frame(&self.shared, text)
    }

    /// Writes a message as a person, in the channel or in a thread.
    pub fn say(&self, user: &str, channel: &str, text: &str, thread_ts: Option<&str>) -> Result<Message, Refusal> {
        interaction::say(&self.shared, user, channel, text, thread_ts)
    }

    /// A view of the workspace.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View::new(&self.shared)
    }

    /// Waits until `look` returns a value. It is called again after each change.
    ///
    /// After `deadline` the error names `what` and shows all channels.
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
                // `look` may also read the state of the bot, whose changes send no notification here.
                drop(tokio::time::timeout(RECHECK_INTERVAL, changes.changed()).await);
            }
        });
        found.await.ok().with_context(|| {
            format!("waited {deadline:?} in vain for {what}. The workspace shows:\n{}", self.view().render_all())
        })
    }

    /// Starts an outage: closes all sockets and treats every request as `outage` says. The control interface keeps working.
    pub fn go_away(&self, outage: Outage) {
        self.shared.go_away(outage);
    }

    /// Ends the outage.
    pub fn come_back(&self) {
        self.shared.come_back();
    }

    /// Makes the next `times` calls of a Web API method fail. Failures that were added before come first.
    pub fn fail(&self, method: &str, times: usize, failure: &Failure) {
        self.shared.faults().add(method, times, failure);
    }

    /// Removes the failures that have not happened yet.
    pub fn clear_failures(&self) {
        self.shared.faults().clear();
    }

    /// The number of failures that have not happened yet.
    #[must_use]
    pub fn failures_pending(&self) -> usize {
        self.shared.faults().pending()
    }

    /// Sends `disconnect` on all sockets. After `refresh_requested` they get no payloads, after `warning` they still do.
    pub fn announce_disconnect(&self, reason: &str) {
        self.shared.sockets.announce_disconnect(reason);
        self.shared.notify();
    }

    /// Closes all sockets without `disconnect`. Clients may open new ones.
    pub fn close_sockets(&self) {
        self.shared.sockets.close_all();
        self.shared.notify();
    }

    /// All calls of the Web API since the start or the last `forget_calls`.
    #[must_use]
    pub fn calls(&self) -> Vec<ApiCall> {
        self.shared.calls().all()
    }

    /// How often a method was called, including refused calls.
    #[must_use]
    pub fn call_count(&self, method: &str) -> usize {
        self.shared.calls().count(method)
    }

    /// Empties the log of calls.
    pub fn forget_calls(&self) {
        self.shared.calls().clear();
    }

    /// Adds a person, or replaces the one with the same id.
    pub fn put_user(&self, user: User) {
        self.shared.put_user(user);
    }

    /// Adds a channel, or replaces the one with the same id. Its messages stay.
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
