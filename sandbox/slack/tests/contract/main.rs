//! The simulator seen through the client that the bot uses: slack-morphism over real HTTP and WebSocket.
//! What the client cannot send (bad tokens, bad forms) goes through plain HTTP.

mod commands;
mod faults;
mod messages;
mod reads;
mod refusals;
#[cfg(test)]
mod support;
