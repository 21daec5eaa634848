//! Reasons why a person cannot do something. Slack's own screen would not allow it.

use thiserror::Error;

/// The reason why a person's action is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// No person has that id or handle.
    #[error("nobody in the workspace is called `{user}`; GET /control/world lists the people")]
    UnknownUser {
        /// The given text.
        user: String,
    },
    /// No channel has that id or name.
    #[error("the workspace has no channel `{channel}`; GET /control/world lists them")]
    UnknownChannel {
        /// The given text.
        channel: String,
    },
    /// The person is not a member of the channel.
    #[error("`{user}` is not in #{channel}; add them to its members first")]
    NotInChannel {
        /// The handle of the person.
        user: String,
        /// The name of the channel.
        channel: String,
    },
    /// The installed app does not have that command.
    #[error("`{command}` is not a valid command; the installed app has {known}")]
    UnknownCommand {
        /// The command with its slash.
        command: String,
        /// The commands of the app.
        known: String,
    },
    /// Slack does not accept an app's commands in threads.
    #[error("`{command}` is not supported in threads; type it in the channel")]
    NotInThreads {
        /// The command with its slash.
        command: String,
    },
    /// This person sees no message with that ts.
    #[error("there is no message {ts} in #{channel} that this person can see")]
    NoSuchMessage {
        /// The name of the channel.
        channel: String,
        /// The given text.
        ts: String,
    },
    /// The current message has no such button.
    #[error("the message has no element `{action}` now; it shows: {shown}")]
    NoSuchElement {
        /// The `action_id`, with the value if one was given.
        action: String,
        /// The message as text.
        shown: String,
    },
    /// Interactivity is off in the manifest.
    #[error("the app's manifest has interactivity off; set `settings.interactivity.is_enabled`")]
    InteractivityOff,
    /// Slack is unreachable during an outage.
    #[error("Slack is away; bring it back with POST /control/back")]
    SlackIsAway,
}
