//! The table of commands: every command with how it is typed and what it does. The parser, the help, the usage lines and
//! "did you mean" all come from it.

use strum::{EnumString, IntoStaticStr, VariantArray};
use thiserror::Error;

use crate::text::{nearest, truncate};

/// The longest part of a typed text that an answer repeats.
const MAX_REPEATED: usize = 41;

/// The commands of `/flink`, in the order in which the help lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum CommandName {
    Deploy,
    Status,
    List,
    History,
    Approve,
    Reject,
    Abort,
    Rollback,
    Resume,
    GiveUp,
    Help,
}

impl CommandName {
    /// The word that is typed for this command.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.into()
    }

    /// How this command is typed. Brackets mark what may be left out.
    #[must_use]
    pub fn usage(self) -> &'static str {
        match self {
            Self::Deploy => "deploy APP VERSION [from last-checkpoint|nothing|restore-point NAME|path PATH] [reason]",
            Self::Status => "status [APP]",
            Self::List => "list",
            Self::History => "history APP",
            Self::Approve => "approve ID",
            Self::Reject => "reject ID [reason]",
            Self::Abort => "abort ID [reason]",
            Self::Rollback => "rollback APP [carry|rewind]",
            Self::Resume => "resume ID",
            Self::GiveUp => "give-up ID [reason]",
            Self::Help => "help",
        }
    }

    /// What this command does, in one line of the help.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Deploy => {
                "move an application to a version; without `from` it starts from a savepoint taken by the stop"
            }
            Self::Status => "what an application is doing",
            Self::List => "all applications",
            Self::History => "its last rollouts",
            Self::Approve => "approve the plan of a rollout",
            Self::Reject => "reject it",
            Self::Abort => "stop a rollout: untouched before the stop, rolled back after it",
            Self::Rollback => {
                "back to the revision before: turns an active rollout back once its job was stopped; if none is active, starts a new \
                 rollout with the state of now (carry) or of then (rewind)"
            }
            Self::Resume => "let a halted rollout try again",
            Self::GiveUp => "end a halted rollout where it is",
            Self::Help => "this list",
        }
    }
}

/// Why something typed was not understood. The text is shown to whoever typed it.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum ParseError {
    /// The first word is not a command.
    #[error("`{word}` is not a command of /flink.{} Try `/flink help`.", suggestion(*nearest))]
    UnknownCommand { word: String, nearest: Option<&'static str> },
    /// Something is missing, too much or malformed.
    #[error("{problem} Usage: `/flink {}`", command.usage())]
    Usage { problem: String, command: CommandName },
}

impl ParseError {
    pub(super) fn unknown_command(word: &str) -> Self {
        let words = CommandName::VARIANTS.iter().map(|command| command.word());
        Self::UnknownCommand { word: shorten(word), nearest: nearest(&word.to_lowercase(), words) }
    }

    pub(super) fn usage(command: CommandName, problem: impl Into<String>) -> Self {
        Self::Usage { problem: problem.into(), command }
    }
}

fn suggestion(nearest: Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |word| format!(" Did you mean `{word}`?"))
}

/// What a person typed, short enough to repeat and without the characters that Slack formats or links.
pub(super) fn shorten(text: &str) -> String {
    let plain: String = text.chars().filter(|letter| !"`<>&*_~".contains(*letter)).collect();
    truncate(&plain, MAX_REPEATED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slack::command::parse;

    /// The usage line with an example for each word in capitals, and with or without the parts in brackets.
    fn example(usage: &str, with_options: bool) -> String {
        let mut text = String::new();
        for (index, part) in usage.split(['[', ']']).enumerate() {
            let optional = index % 2 == 1;
            if !optional || with_options {
                text.push_str(part.split('|').next().unwrap_or_default());
            }
        }
        text.replace("APP", "orders").replace("VERSION", "1.1.0").replace("ID", "orders-1")
    }

    #[test]
    fn every_command_parses_from_its_own_usage_line() {
        for command in CommandName::VARIANTS {
            assert!(command.usage().starts_with(command.word()), "{command:?}");
            for with_options in [false, true] {
                let line = example(command.usage(), with_options);
                assert!(parse(&line).is_ok(), "{line}: {:?}", parse(&line));
            }
        }
        assert_eq!(example(CommandName::Deploy.usage(), true), "deploy orders 1.1.0 from last-checkpoint reason");
        assert_eq!(example(CommandName::Rollback.usage(), false).trim_end(), "rollback orders");
    }

    #[test]
    fn the_manifest_of_the_slack_app_names_every_command() {
        let manifest = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/slack-app.yaml"));
        let manifest: serde_json::Value = serde_saphyr::from_str(manifest).unwrap();
        let hint = manifest.pointer("/features/slash_commands/0/usage_hint").and_then(|hint| hint.as_str()).unwrap();
        let hinted: Vec<&str> = hint.split(" | ").filter_map(|usage| usage.split(' ').next()).collect();
        let words: Vec<&str> = CommandName::VARIANTS.iter().map(|command| command.word()).collect();
        assert_eq!(hinted, words);
    }
}
