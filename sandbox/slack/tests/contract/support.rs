//! A simulator with the bot's client, and a bot that answers commands and records the events that it gets.

use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use lockkeeper_slack_simulator::{Config, Simulator};
use serde_json::Value;
use slack_morphism::errors::SlackClientError;
use slack_morphism::prelude::*;

/// Only a real failure takes this long.
pub const DEADLINE: Duration = Duration::from_secs(20);

pub struct Slack {
    pub simulator: Simulator,
    pub client: Arc<SlackHyperClient>,
    pub token: SlackApiToken,
}

impl Slack {
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new().unwrap();
        config.rate_limit_speedup = 100.0;
        // These scopes are for methods that the bot does not call, but that are tested too.
        for scope in ["users:read", "channels:read", "groups:read"] {
            config.manifest = config.manifest.with_scope(scope);
        }
        change(&mut config);
        let simulator = Simulator::start(config).await.unwrap();
        let client = client(&simulator.api_url());
        let token = SlackApiToken::new(simulator.bot_token().into());
        Self { simulator, client, token }
    }

    pub fn session(&self) -> SlackClientSession<'_, SlackClientHyperHttpsConnector> {
        self.client.open_session(&self.token)
    }

    /// Posts text to #deploys and returns its ts.
    pub async fn post(&self, text: &str) -> SlackTs {
        self.session().chat_post_message(&post(text)).await.unwrap().ts
    }

    /// Calls a method over plain HTTP and returns status and body.
    pub async fn raw(&self, method: &str, token: Option<&str>, body: Value) -> (u16, Value) {
        let request = reqwest::Client::new().post(format!("{}/{method}", self.simulator.api_url())).json(&body);
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or(Value::Null))
    }

    /// Calls a method with the bot's token and returns the error code.
    pub async fn code(&self, method: &str, body: Value) -> String {
        let (_, body) = self.raw(method, Some(self.simulator.bot_token()), body).await;
        body["error"].as_str().unwrap_or("ok").to_owned()
    }
}

/// The request that posts a text to #deploys.
pub fn post(text: &str) -> SlackApiChatPostMessageRequest {
    SlackApiChatPostMessageRequest::new("C0DEPLOYS".into(), SlackMessageContent::new().with_text(text.into()))
}

/// The error code of a refused call.
pub fn refusal<T: std::fmt::Debug>(result: ClientResult<T>) -> String {
    match result.unwrap_err() {
        SlackClientError::ApiError(error) => error.code,
        other => panic!("not a refusal by Slack: {other}"),
    }
}

fn client(api_url: &str) -> Arc<SlackHyperClient> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let https = hyper_rustls::HttpsConnectorBuilder::new()
        .with_native_roots()
        .unwrap()
        .https_or_http()
        .enable_http1()
        .enable_http2()
        .build();
    Arc::new(SlackClient::new(SlackClientHyperConnector::from(https).with_slack_api_url(api_url)))
}

/// A bot in Socket Mode that echoes commands and records everything.
pub struct Bot {
    pub received: Arc<Mutex<Received>>,
    /// The bot stays connected until this is dropped.
    _listener: SlackClientSocketModeListener<SlackClientHyperHttpsConnector>,
}

#[derive(Default)]
pub struct Received {
    pub hellos: usize,
    pub commands: Vec<SlackCommandEvent>,
    pub actions: Vec<SlackInteractionBlockActionsEvent>,
}

/// The function that returns the bot's answer to a command.
pub type Answer = fn(&SlackCommandEvent) -> SlackMessageContent;

impl Bot {
    /// Connects `connections` sockets and waits until Slack sees them.
    pub async fn connect(slack: &Slack, connections: u32, answer: Answer) -> Self {
        let received: Arc<Mutex<Received>> = Arc::default();
        let mut callbacks = SlackSocketModeListenerCallbacks::new();
        let sink = Arc::clone(&received);
        callbacks.hello_callback = Box::new(move |_, _, _| {
            sink.lock().unwrap().hellos += 1;
            Box::pin(async {})
        });
        let sink = Arc::clone(&received);
        callbacks.command_callback = Box::new(move |event: SlackCommandEvent, _, _| {
            let content = answer(&event);
            sink.lock().unwrap().commands.push(event);
            Box::pin(async move { Ok(SlackCommandEventResponse::new(content)) })
        });
        let sink = Arc::clone(&received);
        callbacks.interaction_callback = Box::new(move |event: SlackInteractionEvent, _, _| {
            if let SlackInteractionEvent::BlockActions(event) = event {
                sink.lock().unwrap().actions.push(event);
            }
            Box::pin(async { Ok(SlackInteractionResponse::Empty) })
        });
        let environment = Arc::new(SlackClientEventsListenerEnvironment::new(Arc::clone(&slack.client)));
        let config = SlackClientSocketModeConfig::new()
            .with_max_connections_count(connections)
            .with_initial_backoff_in_seconds(0)
            .with_reconnect_timeout_in_seconds(1);
        let listener = SlackClientSocketModeListener::new(&config, environment, callbacks);
        listener.listen_for(&SlackApiToken::new(slack.simulator.app_token().into())).await.unwrap();
        listener.start().await;
        let wanted = usize::try_from(connections).unwrap();
        slack
            .simulator
            .wait_for("the bot's sockets", DEADLINE, |view| (view.sockets() == wanted).then_some(()))
            .await
            .unwrap();
        Self { received, _listener: listener }
    }
}
