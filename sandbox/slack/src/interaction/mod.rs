//! What people do that reaches the app: slash commands, presses of buttons, and the `response_url` that answers them.

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

pub(crate) use action::click;
pub(crate) use command::command;
pub(crate) use raw::{envelope, frame};
pub(crate) use response_url::routes;
pub(crate) use say::say;
