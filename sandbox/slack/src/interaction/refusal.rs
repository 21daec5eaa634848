//! Why a person cannot do what they tried; Slack's own screen would not have let them.

use thiserror::Error;

/// What stands in the way of a person's action.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Nobody by that id or handle.
    #[error("nobody in the workspace is called `{user}`; GET /control/world lists the people")]
    UnknownUser {
        /// As it was given.
        user: String,
    },
    /// No channel by that id or name.
    #[error("the workspace has no channel `{channel}`; GET /control/world lists them")]
    UnknownChannel {
        /// As it was given.
        channel: String,
    },
    /// People act only where they are.
    #[error("`{user}` is not in #{channel}; add them to its members first")]
    NotInChannel {
        /// The handle.
        user: String,
        /// The channel's name.
        channel: String,
    },
    /// No installed app has that command.
    #[error("`{command}` is not a valid command; the installed app has {known}")]
    UnknownCommand {
        /// With its slash.
        command: String,
        /// The commands that there are.
        known: String,
    },
    /// Slack does not take an app's commands in threads.
    #[error("`{command}` is not supported in threads; type it in the channel")]
    NotInThreads {
        /// With its slash.
        command: String,
    },
    /// No message by that ts that this person can see.
    #[error("there is no message {ts} in #{channel} that this person can see")]
    NoSuchMessage {
        /// The channel's name.
        channel: String,
        /// As it was given.
        ts: String,
    },
    /// The message, as it is now, has no such button.
    #[error("the message has no element `{action}` now; it shows: {shown}")]
    NoSuchElement {
        /// The `action_id`, with the value if one was given.
        action: String,
        /// The message as text.
        shown: String,
    },
    /// The manifest has `interactivity` off.
    #[error("the app's manifest has interactivity off; set `settings.interactivity.is_enabled`")]
    InteractivityOff,
    /// An outage was asked for, and nobody reaches Slack.
    #[error("Slack is away; bring it back with POST /control/back")]
    SlackIsAway,
}
