//! Serves one WebSocket: sends envelopes and pings, receives acknowledgements.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket};
use serde_json::Value;
use tokio::time::MissedTickBehavior;

use crate::state::{Order, Shared};

const PING_INTERVAL: Duration = Duration::from_secs(10);
/// A connection is closed after this many unanswered pings.
const MAX_UNANSWERED_PINGS: u32 = 3;

pub(super) async fn serve(shared: Arc<Shared>, mut socket: WebSocket) {
    let app_id = shared.world().app.app_id.clone();
    let (id, mut orders) = shared.sockets.add(&app_id);
    shared.notify();
    let mut pings = tokio::time::interval(PING_INTERVAL);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut unanswered = 0;
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Send(text)) => if socket.send(Message::Text(text.into())).await.is_err() { break },
                Some(Order::Close) | None => {
                    drop(socket.send(Message::Close(None)).await);
                    break;
                }
            },
            frame = socket.recv() => match frame {
                Some(Ok(Message::Text(text))) => receive(&shared, text.as_str()),
                Some(Ok(Message::Pong(_))) => unanswered = 0,
                // The WebSocket layer answers pings.
                Some(Ok(Message::Ping(_) | Message::Binary(_))) => (),
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
            },
            _ = pings.tick() => {
                unanswered += 1;
                let ping = Message::Ping(Bytes::from_static(b"simulator"));
                if unanswered > MAX_UNANSWERED_PINGS || socket.send(ping).await.is_err() { break }
            }
        }
    }
    shared.sockets.remove(id);
    shared.notify();
}

fn receive(shared: &Shared, text: &str) {
    let frame: Value = match serde_json::from_str(text) {
        Ok(frame) => frame,
        Err(error) => return tracing::warn!(%error, "the app sent a frame that is not JSON; ignored"),
    };
    if let Some(id) = frame.get("envelope_id").and_then(Value::as_str) {
        shared.sockets.acknowledge(id, frame.get("payload").cloned());
        shared.notify();
    } else {
        tracing::warn!("the app sent a frame without `envelope_id`; ignored");
    }
}
