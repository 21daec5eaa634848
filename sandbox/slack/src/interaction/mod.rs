//! Interactions of people with the app: slash commands, presses of buttons, and the `response_url` that answers them.

mod action;
mod checks;
mod command;
mod delivery;
mod escape;
mod raw;
mod refusal;
mod response_url;
mod say;

pub use action::{Click, ClickOutcome};
pub use command::CommandOutcome;
pub use delivery::Delivered;
pub use refusal::Refusal;

pub(crate) use action::press;
pub(crate) use command::run_command;
pub(crate) use raw::{send_envelope, send_frame};
pub(crate) use response_url::routes;
pub(crate) use say::say;
