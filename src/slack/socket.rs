//! Socket Mode: Slack's frames to the handler, the handler's answer to Slack.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use slack_morphism::prelude::*;

use super::{
    connection::{Connection, SlackError},
    handler::Handler,
    memory::Memory,
};
use crate::http::Readiness;

/// Connects and stays connected. Two connections, since Slack closes one before the next is open.
pub(super) async fn run(
    connection: Arc<Connection>,
    handler: Arc<Handler>,
    memory: Arc<Memory>,
    readiness: Readiness,
) -> anyhow::Result<()> {
    loop {
        match connection.check().await {
            Ok(team) => {
                tracing::info!(team, "Slack knows us");
                break;
            }
            Err(SlackError::Refused(code)) => {
                anyhow::bail!("Slack refuses the tokens ({code}): check the bot token and the app-level token")
            }
            Err(error) => tracing::warn!(%error, "Slack is out of reach; rollouts go on without it"),
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    memory.ready().await.context("the namespaces could not be read")?;
    if let Err(error) = memory.read_groups(&connection).await {
        tracing::warn!(%error, "the user groups could not be read yet");
    }
    let environment =
        Arc::new(SlackClientEventsListenerEnvironment::new(connection.client()).with_error_handler(on_error));
    let config = SlackClientSocketModeConfig::new()
        .with_max_connections_count(2)
        .with_initial_backoff_in_seconds(1)
        .with_reconnect_timeout_in_seconds(2);
    let listener =
        SlackClientSocketModeListener::new(&config, environment, callbacks(&connection, &handler, readiness));
    listener.listen_for(connection.app_token()).await?;
    listener.start().await;
    std::future::pending::<()>().await;
    Ok(())
}

type Callbacks = SlackSocketModeListenerCallbacks<SlackClientHyperHttpsConnector>;

fn callbacks(connection: &Arc<Connection>, handler: &Arc<Handler>, readiness: Readiness) -> Callbacks {
    let mut callbacks = Callbacks::new();
    callbacks.hello_callback = Box::new(move |_, _, _| {
        readiness.set("slack", true);
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
