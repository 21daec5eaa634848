//! What people type after `/flink`.

mod start_from;

use thiserror::Error;

use crate::api::{DecisionKind, StartFrom};

/// A command that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Deploy a version.
    Deploy {
        /// The application.
        application: String,
        /// The version.
        version: String,
        /// What it starts from.
        start_from: StartFrom,
        /// Why.
        reason: Option<String>,
    },
    /// Roll back to the revision before.
    RollBack {
        /// The application.
        application: String,
        /// Whether state goes back too (rewind) or goes on (carry).
        rewind: bool,
    },
    /// What an application, or all of them, are doing.
    Status {
        /// The application.
        application: Option<String>,
    },
    /// All applications.
    List,
    /// The last rollouts of an application.
    History {
        /// The application.
        application: String,
    },
    /// A decision about a rollout.
    Decide {
        /// Which decision.
        decision: DecisionKind,
        /// The rollout.
        rollout: String,
        /// Why.
        reason: Option<String>,
    },
    /// What can be typed.
    Help,
}

/// Why something typed was not understood; shown to whoever typed it.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum ParseError {
    /// The first word is no command.
    #[error("`{word}` is not a command of /flink.{} Try `/flink help`.", hint(*nearest))]
    Unknown {
        /// The word.
        word: String,
        /// The nearest command.
        nearest: Option<&'static str>,
    },
    /// Something is missing, too much or malformed.
    #[error("{problem} Usage: `/flink {usage}`")]
    Usage {
        /// What is wrong.
        problem: String,
        /// How it is typed.
        usage: &'static str,
    },
}

fn hint(nearest: Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |word| format!(" Did you mean `{word}`?"))
}

/// Every command and how it is typed: the only list, for help and for "did you mean".
pub const USAGES: [(&str, &str, &str); 12] = [
    (
        "deploy",
        "deploy APP VERSION [from last-checkpoint|nothing|restore-point NAME|path PATH] [reason]",
        "move an application to a version; without `from` it starts from a savepoint taken by the stop",
    ),
    ("status", "status [APP]", "what an application is doing"),
    ("list", "list", "all applications"),
    ("history", "history APP", "its last rollouts"),
    ("approve", "approve ID", "approve the plan of a rollout"),
    ("reject", "reject ID [reason]", "reject it"),
    ("abort", "abort ID [reason]", "stop a rollout: untouched before the stop, rolled back after it"),
    (
        "rollback",
        "rollback APP [carry|rewind]",
        "back to the revision before, with the state of now (carry) or of then (rewind)",
    ),
    ("roll-back", "roll-back ID", "turn a running rollout back"),
    ("resume", "resume ID", "let a halted rollout try again"),
    ("give-up", "give-up ID [reason]", "end a halted rollout where it is"),
    ("help", "help", "this list"),
];

fn usage(word: &str) -> &'static str {
    USAGES.iter().find(|(command, _, _)| *command == word).map_or("help", |(_, usage, _)| usage)
}

/// Parses what was typed after `/flink`.
pub fn parse(text: &str) -> Result<Command, ParseError> {
    let mut words = text.split_whitespace();
    let Some(word) = words.next() else { return Ok(Command::Help) };
    let rest: Vec<&str> = words.collect();
    let lower = word.to_lowercase();
    match lower.as_str() {
        "help" => nothing_after("help", &rest, 0).map(|()| Command::Help),
        "list" => nothing_after("list", &rest, 0).map(|()| Command::List),
        "status" => {
            let application = rest.first().map(|name| named("status", name)).transpose()?;
            nothing_after("status", &rest, 1).map(|()| Command::Status { application })
        }
        "history" => {
            let application = named("history", first("history", "APP", &rest)?)?;
            nothing_after("history", &rest, 1).map(|()| Command::History { application })
        }
        "deploy" => deploy(&rest),
        "rollback" => roll_back(&rest),
        _ => {
            let Ok(decision) = lower.parse::<DecisionKind>() else { return Err(unknown(word)) };
            let rollout = named(&lower, first(&lower, "ID", &rest)?)?;
            Ok(Command::Decide { decision, rollout, reason: reason(&rest, 1) })
        }
    }
}

fn deploy(rest: &[&str]) -> Result<Command, ParseError> {
    let application = named("deploy", first("deploy", "APP", rest)?)?;
    let problem = |problem: String| ParseError::Usage { problem, usage: usage("deploy") };
    let version = rest.get(1).ok_or_else(|| problem("Which version?".to_owned()))?;
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let starts = version.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if !starts || version.len() > 63 || !version.bytes().all(fine) {
        return Err(problem(format!(
            "`{}` is not a version: letters, digits, dots, dashes and underscores, at most 63, beginning with a letter or digit.",
            shortened(version)
        )));
    }
    let (start_from, words) = start_from::parse(&rest[2..])?;
    Ok(Command::Deploy { application, version: (*version).to_owned(), start_from, reason: reason(rest, 2 + words) })
}

fn roll_back(rest: &[&str]) -> Result<Command, ParseError> {
    let application = named("rollback", first("rollback", "APP", rest)?)?;
    let rewind = match rest.get(1).copied() {
        None | Some("carry") => false,
        Some("rewind") => true,
        Some(other) => {
            return Err(ParseError::Usage {
                problem: format!("`{}` is neither carry nor rewind.", shortened(other)),
                usage: usage("rollback"),
            });
        }
    };
    nothing_after("rollback", rest, 2).map(|()| Command::RollBack { application, rewind })
}

/// A word too many may be the one that was meant: nothing is done without it.
fn nothing_after(command: &str, rest: &[&str], most: usize) -> Result<(), ParseError> {
    let surplus = rest.get(most..).unwrap_or_default().join(" ");
    if surplus.is_empty() {
        return Ok(());
    }
    Err(ParseError::Usage { problem: format!("`{}` is too much.", shortened(&surplus)), usage: usage(command) })
}

fn first<'a>(command: &str, what: &str, rest: &[&'a str]) -> Result<&'a str, ParseError> {
    rest.first()
        .copied()
        .ok_or_else(|| ParseError::Usage { problem: format!("{what} is missing."), usage: usage(command) })
}

/// A name of Kubernetes, with or without its namespace.
fn named(command: &str, text: &str) -> Result<String, ParseError> {
    let fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-/.".contains(&byte);
    if text.len() <= 127 && text.bytes().all(fine) && text.matches('/').count() <= 1 && !text.contains("..") {
        return Ok(text.to_owned());
    }
    Err(ParseError::Usage { problem: format!("`{}` is not a name.", shortened(text)), usage: usage(command) })
}

/// What is left, as it was typed: Slack writes three letters as entities.
fn reason(rest: &[&str], from: usize) -> Option<String> {
    let text = rest.get(from..)?.join(" ").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let text: String = text.chars().take(500).collect();
    (!text.is_empty()).then_some(text)
}

fn unknown(word: &str) -> ParseError {
    let known = USAGES.iter().map(|(command, _, _)| *command);
    ParseError::Unknown { word: shortened(word), nearest: crate::text::nearest(&word.to_lowercase(), known) }
}

/// What a person typed, short enough to show and without anything that Slack would make more of.
fn shortened(text: &str) -> String {
    let short: String = text.chars().filter(|letter| !"`<>&*_~".contains(*letter)).take(40).collect();
    if text.chars().count() > 40 { format!("{short}…") } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match parse(text) {
            Ok(command) => format!("{command:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_is_understood() {
        insta::assert_snapshot!(
            ["deploy orders 1.4.2", "deploy shop/orders 1.4.2 fixes late events", "deploy orders 1.4.2 from restore-point orders-1 state was bad", "rollback orders", "rollback orders rewind", "approve orders-0123456789",
             "reject orders-1 R&amp;D says &lt;no&gt;", "GIVE-UP orders-1", "status", "status orders", "list", "history orders", ""].map(shown).join("\n"), @r#"
        Deploy { application: "orders", version: "1.4.2", start_from: StartFrom { from: Savepoint, value: None, without_savepoint: false }, reason: None }
        Deploy { application: "shop/orders", version: "1.4.2", start_from: StartFrom { from: Savepoint, value: None, without_savepoint: false }, reason: Some("fixes late events") }
        Deploy { application: "orders", version: "1.4.2", start_from: StartFrom { from: RestorePoint, value: Some("orders-1"), without_savepoint: false }, reason: Some("state was bad") }
        RollBack { application: "orders", rewind: false }
        RollBack { application: "orders", rewind: true }
        Decide { decision: Approve, rollout: "orders-0123456789", reason: None }
        Decide { decision: Reject, rollout: "orders-1", reason: Some("R&D says <no>") }
        Decide { decision: GiveUp, rollout: "orders-1", reason: None }
        Status { application: None }
        Status { application: Some("orders") }
        List
        History { application: "orders" }
        Help
        "#);
    }

    #[test]
    fn what_is_not_gets_the_word_and_the_nearest() {
        let long = format!("deploy orders {}", "9".repeat(300));
        insta::assert_snapshot!(
            ["depoly orders 1", "xyzzy", "deploy", "deploy orders", "deploy orders 1.2.0; rm", "deploy orders ../x", &long, "rollback orders sideways", "approve <!channel>",
             "rollback orders rewind 1.2.0", "rollback orders carry on", "list orders", "status orders now", "history orders 5", "help me <!here>"].map(shown).join("\n"), @r"
        `depoly` is not a command of /flink. Did you mean `deploy`? Try `/flink help`.
        `xyzzy` is not a command of /flink. Try `/flink help`.
        APP is missing. Usage: `/flink deploy APP VERSION [from last-checkpoint|nothing|restore-point NAME|path PATH] [reason]`
        Which version? Usage: `/flink deploy APP VERSION [from last-checkpoint|nothing|restore-point NAME|path PATH] [reason]`
        `1.2.0;` is not a version: letters, digits, dots, dashes and underscores, at most 63, beginning with a letter or digit. Usage: `/flink deploy APP VERSION [from last-checkpoint|nothing|restore-point NAME|path PATH] [reason]`
        `../x` is not a version: letters, digits, dots, dashes and underscores, at most 63, beginning with a letter or digit. Usage: `/flink deploy APP VERSION [from last-checkpoint|nothing|restore-point NAME|path PATH] [reason]`
        `9999999999999999999999999999999999999999…` is not a version: letters, digits, dots, dashes and underscores, at most 63, beginning with a letter or digit. Usage: `/flink deploy APP VERSION [from last-checkpoint|nothing|restore-point NAME|path PATH] [reason]`
        `sideways` is neither carry nor rewind. Usage: `/flink rollback APP [carry|rewind]`
        `!channel` is not a name. Usage: `/flink approve ID`
        `1.2.0` is too much. Usage: `/flink rollback APP [carry|rewind]`
        `on` is too much. Usage: `/flink rollback APP [carry|rewind]`
        `orders` is too much. Usage: `/flink list`
        `now` is too much. Usage: `/flink status [APP]`
        `5` is too much. Usage: `/flink history APP`
        `me !here` is too much. Usage: `/flink help`
        ");
    }
}
