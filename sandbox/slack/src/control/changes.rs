//! The stream of changes, which tells the page to refresh.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::Stream;
use futures::stream;

use crate::state::Shared;

/// Sends one event at the start and one after each change. Changes in quick succession may share an event.
pub(super) async fn changes(State(shared): State<Arc<Shared>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut receiver = shared.changes();
    receiver.mark_changed();
    let events = stream::unfold(receiver, async |mut receiver| {
        receiver.changed().await.ok()?;
        let count = *receiver.borrow_and_update();
        Some((Ok(Event::default().data(count.to_string())), receiver))
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}
