//! The open sockets, and the envelopes that wait for an acknowledgement.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

/// How long an unused ticket is valid.
const TICKET_LIFETIME: Duration = Duration::from_secs(30);

/// The payload of an acknowledgement, if it has one.
pub(crate) type Acknowledgement = Option<Value>;

/// A payload for the app.
#[derive(Debug)]
pub(crate) struct Envelope {
    /// `slash_commands` or `interactive`.
    pub(crate) kind: String,
    pub(crate) payload: Value,
    pub(crate) accepts_response_payload: bool,
}

/// An order to the task that serves a connection.
#[derive(Debug)]
pub(crate) enum Order {
    Send(String),
    Close,
}

#[derive(Debug, Default)]
pub(crate) struct Sockets {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    tickets: HashMap<String, Instant>,
    connections: Vec<Connection>,
    last_id: u64,
    deliveries: usize,
    pending: HashMap<String, oneshot::Sender<Acknowledgement>>,
    late_acknowledgements: usize,
}

#[derive(Debug)]
struct Connection {
    id: u64,
    orders: mpsc::UnboundedSender<Order>,
    /// The disconnect was announced, so the connection gets no more payloads.
    leaving: bool,
}

impl Sockets {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn issue_ticket(&self) -> String {
        let ticket = uuid::Uuid::new_v4().to_string();
        self.inner().tickets.insert(ticket.clone(), Instant::now());
        ticket
    }

    /// Uses a ticket. A second use fails.
    pub(crate) fn redeem(&self, ticket: &str) -> bool {
        let issued = self.inner().tickets.remove(ticket);
        issued.is_some_and(|issued| issued.elapsed() < TICKET_LIFETIME)
    }

    /// Adds a connection and sends `hello`.
    pub(crate) fn add(&self, app_id: &str) -> (u64, mpsc::UnboundedReceiver<Order>) {
        let (orders, receiver) = mpsc::unbounded_channel();
        let mut inner = self.inner();
        inner.last_id += 1;
        let id = inner.last_id;
        let hello = json!({
            "type": "hello",
            "num_connections": inner.connections.len() + 1,
            "connection_info": {"app_id": app_id},
            "debug_info": debug_info(),
        });
        drop(orders.send(Order::Send(hello.to_string())));
        inner.connections.push(Connection { id, orders, leaving: false });
        (id, receiver)
    }

    pub(crate) fn remove(&self, id: u64) {
        self.inner().connections.retain(|connection| connection.id != id);
    }

    /// The number of connections that get payloads.
    pub(crate) fn count(&self) -> usize {
        self.inner().connections.iter().filter(|connection| !connection.leaving).count()
    }

    /// Sends an envelope to one connection, in rotation. Returns `None` if there is no connection.
    pub(crate) fn deliver(&self, envelope: &Envelope) -> Option<Delivery<'_>> {
        let id = uuid::Uuid::new_v4().to_string();
        let text = json!({
            "type": envelope.kind,
            "envelope_id": id,
            "payload": envelope.payload,
            "accepts_response_payload": envelope.accepts_response_payload,
        })
        .to_string();
        let (sender, receiver) = oneshot::channel();
        let mut inner = self.inner();
        inner.deliveries += 1;
        let number = inner.deliveries;
        let ready: Vec<&Connection> = inner.connections.iter().filter(|connection| !connection.leaving).collect();
        let chosen = *ready.get(number.checked_rem(ready.len())?)?;
        chosen.orders.send(Order::Send(text)).ok()?;
        inner.pending.insert(id.clone(), sender);
        drop(inner);
        Some(Delivery { sockets: self, id, receiver })
    }

    /// Sends raw text to one connection. Returns `false` if there is no connection.
    pub(crate) fn send_frame(&self, text: &str) -> bool {
        let inner = self.inner();
        let chosen = inner.connections.iter().find(|connection| !connection.leaving);
        chosen.is_some_and(|connection| connection.orders.send(Order::Send(text.to_owned())).is_ok())
    }

    pub(crate) fn acknowledge(&self, envelope_id: &str, payload: Acknowledgement) {
        let mut inner = self.inner();
        match inner.pending.remove(envelope_id) {
            Some(waiting) => drop(waiting.send(payload)),
            None => inner.late_acknowledgements += 1,
        }
    }

    pub(crate) fn late_acknowledgements(&self) -> usize {
        self.inner().late_acknowledgements
    }

    /// Announces the end of all connections, as Slack does before it refreshes them. After `warning` they still get
    /// payloads; after `refresh_requested` they get none.
    pub(crate) fn announce_disconnect(&self, reason: &str) {
        let frame = json!({"type": "disconnect", "reason": reason, "debug_info": debug_info()}).to_string();
        for connection in &mut self.inner().connections {
            drop(connection.orders.send(Order::Send(frame.clone())));
            connection.leaving |= reason != "warning";
        }
    }

    /// Closes all connections at once, without `disconnect`.
    pub(crate) fn close_all(&self) {
        let mut inner = self.inner();
        for connection in inner.connections.drain(..) {
            drop(connection.orders.send(Order::Close));
        }
        inner.tickets.clear();
    }
}

fn debug_info() -> Value {
    json!({"host": "applink-simulator", "build_number": 1, "approximate_connection_time": 18_060})
}

/// An envelope that was sent and waits for its acknowledgement.
pub(crate) struct Delivery<'a> {
    sockets: &'a Sockets,
    id: String,
    receiver: oneshot::Receiver<Acknowledgement>,
}

impl Delivery<'_> {
    /// Waits for the acknowledgement. Returns `None` if it does not come in time.
    pub(crate) async fn wait_for_acknowledgement(self, deadline: Duration) -> Option<Acknowledgement> {
        let answer = tokio::time::timeout(deadline, self.receiver).await;
        self.sockets.inner().pending.remove(&self.id);
        answer.ok().and_then(Result::ok)
    }
}
