//! Socket Mode: Slack's frames to the handler, the handler's answer to Slack.

use std::{sync::Arc, time::Duration};

use slack_morphism::prelude::*;

use super::{connection::Connection, handler::Handler, health::Health, memory::Memory};

/// How often it is seen whether Slack still takes the tokens: a socket that is open says nothing about the next one.
const CHECKED_EVERY: Duration = Duration::from_mins(5);

/// Connects and stays connected. Two connections, since Slack closes one before the next is open.
pub(super) async fn run(
    connection: Arc<Connection>,
    handler: Arc<Handler>,
    memory: Arc<Memory>,
    health: Arc<Health>,
) -> anyhow::Result<()> {
    known(&connection, &health).await;
    memory.ready().await?;
    if let Err(error) = memory.read_groups(&connection).await {
        error.log("the user groups could not be read yet");
    }
    let environment =
        Arc::new(SlackClientEventsListenerEnvironment::new(connection.client()).with_error_handler(on_error));
    let config = SlackClientSocketModeConfig::new()
        .with_max_connections_count(2)
        .with_initial_backoff_in_seconds(1)
        .with_reconnect_timeout_in_seconds(2);
    let callbacks = callbacks(&connection, &handler, Arc::clone(&health));
    let listener = SlackClientSocketModeListener::new(&config, environment, callbacks);
    listener.listen_for(connection.app_token()).await?;
    listener.start().await;
    loop {
        tokio::time::sleep(CHECKED_EVERY).await;
        known(&connection, &health).await;
    }
}

/// Waits until Slack takes both tokens: a bad one would otherwise show only as a socket that never opens.
async fn known(connection: &Connection, health: &Health) {
    loop {
        match connection.check().await {
            Ok(team) => {
                tracing::info!(team, "Slack knows us");
                return health.tokens(true);
            }
            Err(error) => {
                error.log("Slack could not be reached");
                if error.is_of_tokens() {
                    health.tokens(false);
                }
                tokio::time::sleep(error.pause()).await;
            }
        }
    }
}

type Callbacks = SlackSocketModeListenerCallbacks<SlackClientHyperHttpsConnector>;

fn callbacks(connection: &Arc<Connection>, handler: &Arc<Handler>, health: Arc<Health>) -> Callbacks {
    let mut callbacks = Callbacks::new();
    callbacks.hello_callback = Box::new(move |_, _, _| {
        health.hello();
        Box::pin(async {})
    });
    let on_command = Arc::clone(handler);
    callbacks.command_callback = Box::new(move |event: SlackCommandEvent, _, _| {
        let handler = Arc::clone(&on_command);
        Box::pin(async move {
            let text = handler.command(&event).await;
            Ok(SlackCommandEventResponse::new(SlackMessageContent::new().with_text(text)))
        })
    });
    let (on_click, connection) = (Arc::clone(handler), Arc::clone(connection));
    callbacks.interaction_callback = Box::new(move |event: SlackInteractionEvent, _, _| {
        let (handler, connection) = (Arc::clone(&on_click), Arc::clone(&connection));
        Box::pin(async move {
            if let SlackInteractionEvent::BlockActions(event) = event {
                let answer = handler.click(&event).await;
                // The answer to the person must not hold up the acknowledgement.
                if let (Some(text), Some(url)) = (answer, event.response_url) {
                    tokio::spawn(async move {
                        if let Err(error) = connection.respond(&url, &text).await {
                            tracing::warn!(%error, "a click could not be answered");
                        }
                    });
                }
            }
            Ok(SlackInteractionResponse::Empty)
        })
    });
    callbacks
}

#[allow(clippy::needless_pass_by_value)] // the signature that the listener asks for
fn on_error(
    error: Box<dyn std::error::Error + Send + Sync>,
    _: Arc<SlackHyperClient>,
    _: SlackClientEventsUserState,
) -> HttpStatusCode {
    tracing::warn!(%error, "something of Slack's was not understood");
    HttpStatusCode::OK
}
