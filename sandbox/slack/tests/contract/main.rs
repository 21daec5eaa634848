//! The simulator through the client that the bot uses: slack-morphism over real HTTP and WebSocket.
//! Requests that the client cannot send (bad tokens, bad forms) use plain HTTP.

mod commands;
#[cfg(test)]
mod control;
mod faults;
mod messages;
mod program;
mod reads;
mod refusals;
#[cfg(test)]
mod support;
