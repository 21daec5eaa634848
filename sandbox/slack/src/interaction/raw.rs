//! What Slack itself would never send: envelopes of any kind with any payload, and frames that are no envelopes at all.

use serde_json::Value;

use super::checks::refuse_while_away;
use super::delivery::Delivered;
use super::refusal::Refusal;
use crate::state::{Envelope, Shared};

/// Sends an envelope as it is and waits for the acknowledgement.
pub(crate) async fn envelope(shared: &Shared, kind: &str, payload: Value) -> Result<Delivered, Refusal> {
    refuse_while_away(shared)?;
    let envelope = Envelope { kind: kind.to_owned(), payload, accepts_response_payload: true };
    let Some(delivery) = shared.sockets.deliver(&envelope) else { return Ok(Delivered::NotConnected) };
    let answer = delivery.acknowledged(shared.config.ack_deadline).await;
    Ok(if answer.is_some() { Delivered::Acknowledged } else { Delivered::TimedOut })
}

/// Sends text to one socket as it is; whether there was one.
pub(crate) fn frame(shared: &Shared, text: &str) -> Result<bool, Refusal> {
    refuse_while_away(shared)?;
    Ok(shared.sockets.send_frame(text))
}
