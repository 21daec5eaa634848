//! Socket Mode: passes Slack's events to the handler, and the handler's answers back to Slack.

use std::{sync::Arc, time::Duration};

use slack_morphism::prelude::*;

use super::{cache::Cache, connection::Connection, groups::Groups, handler::Handler, health::Health};
use crate::text::error_chain;

/// The tokens are checked this often: a socket that is open does not show whether the next one would open.
const TOKEN_CHECK_INTERVAL: Duration = Duration::from_mins(5);

/// Connects and stays connected. There are two connections, since Slack closes one before the next is open.
pub(super) async fn run(
    connection: Arc<Connection>,
    handler: Arc<Handler>,
    cache: Arc<Cache>,
    groups: Arc<Groups>,
    health: Arc<Health>,
) -> anyhow::Result<()> {
    wait_for_valid_tokens(&connection, &health).await;
    cache.wait_until_ready().await?;
    if let Err(error) = groups.refresh(&connection).await {
        error.log("could not read the user groups yet");
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
        tokio::time::sleep(TOKEN_CHECK_INTERVAL).await;
        wait_for_valid_tokens(&connection, &health).await;
    }
}

/// Waits until Slack accepts both tokens. Without this check, a bad token shows only as a socket that never opens.
async fn wait_for_valid_tokens(connection: &Connection, health: &Health) {
    loop {
        match connection.check().await {
            Ok(team) => {
                tracing::info!(team, "connected to Slack");
                return health.record_tokens(true);
            }
            Err(error) => {
                error.log("could not reach Slack");
                if error.is_about_tokens() {
                    health.record_tokens(false);
                }
                tokio::time::sleep(error.retry_delay()).await;
            }
        }
    }
}

type Callbacks = SlackSocketModeListenerCallbacks<SlackClientHyperHttpsConnector>;

fn callbacks(connection: &Arc<Connection>, handler: &Arc<Handler>, health: Arc<Health>) -> Callbacks {
    let mut callbacks = Callbacks::new();
    callbacks.hello_callback = Box::new(move |_, _, _| {
        health.record_hello();
        Box::pin(async {})
    });
    let on_command = Arc::clone(handler);
    callbacks.command_callback = Box::new(move |event: SlackCommandEvent, _, _| {
        let handler = Arc::clone(&on_command);
        Box::pin(async move {
            let text = handler.handle_command(&event).await;
            Ok(SlackCommandEventResponse::new(SlackMessageContent::new().with_text(text)))
        })
    });
    let (on_click, connection) = (Arc::clone(handler), Arc::clone(connection));
    callbacks.interaction_callback = Box::new(move |event: SlackInteractionEvent, _, _| {
        let (handler, connection) = (Arc::clone(&on_click), Arc::clone(&connection));
        Box::pin(async move {
            if let SlackInteractionEvent::BlockActions(event) = event {
                let answer = handler.handle_click(&event).await;
                // The answer to the person must not delay the acknowledgement.
                if let (Some(text), Some(url)) = (answer, event.response_url) {
                    tokio::spawn(async move {
                        if let Err(error) = connection.respond(&url, &text).await {
                            tracing::warn!(%error, "could not answer a click");
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
    tracing::warn!(error = error_chain(error.as_ref()), "could not read an event from Slack");
    HttpStatusCode::OK
}
