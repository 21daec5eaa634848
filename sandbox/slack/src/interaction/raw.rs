//! Payloads that Slack would never send: envelopes of any kind, and frames that are no envelopes.

use serde_json::Value;

use super::checks::refuse_while_away;
use super::delivery::Delivered;
use super::refusal::Refusal;
use crate::state::{Envelope, Shared};

/// Sends an envelope unchanged and waits for the acknowledgement.
pub(crate) async fn send_envelope(shared: &Shared, kind: &str, payload: Value) -> Result<Delivered, Refusal> {
    refuse_while_away(shared)?;
    let envelope = Envelope { kind: kind.to_owned(), payload, accepts_response_payload: true };
    let Some(delivery) = shared.sockets.deliver(&envelope) else { return Ok(Delivered::NotConnected) };
    let answer = delivery.wait_for_acknowledgement(shared.config.ack_deadline).await;
    Ok(if answer.is_some() { Delivered::Acknowledged } else { Delivered::TimedOut })
}

/// Sends text to one socket. Returns whether there was a socket.
pub(crate) fn send_frame(shared: &Shared, text: &str) -> Result<bool, Refusal> {
    refuse_while_away(shared)?;
    Ok(shared.sockets.send_frame(text))
}
