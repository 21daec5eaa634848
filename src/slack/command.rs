//! Parses what people type after `/flink`.

mod start_from;
mod table;
mod typed;

use crate::{
    api::{DecisionKind, StartFrom},
    text::truncate,
};

pub use table::{CommandName, ParseError};

use table::shorten;
use typed::{plain_text, trim_word};

/// A reason may have so many characters in the record.
pub(super) const MAX_REASON: usize = 500;

/// A command that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Deploy a version.
    Deploy { application: String, version: String, start_from: StartFrom, reason: Option<String> },
    /// Go back to the revision before: `rewind` takes the state of then, otherwise the state of now is carried over.
    RollBack { application: String, rewind: bool },
    /// Say what an application, or all of them, are doing.
    Status { application: Option<String> },
    /// List all applications.
    List,
    /// List the last rollouts of an application.
    History { application: String },
    /// Record a decision about a rollout.
    Decide { decision: DecisionKind, rollout: String, reason: Option<String> },
    /// List what can be typed.
    Help,
}

/// Parses what was typed after `/flink`.
pub fn parse(text: &str) -> Result<Command, ParseError> {
    let mut words = text.split_whitespace();
    let Some(word) = words.next() else { return Ok(Command::Help) };
    let rest: Vec<&str> = words.collect();
    let Ok(name) = trim_word(word).to_lowercase().parse::<CommandName>() else {
        return Err(ParseError::unknown_command(word));
    };
    match name {
        CommandName::Help => refuse_surplus(name, &rest, 0).map(|()| Command::Help),
        CommandName::List => refuse_surplus(name, &rest, 0).map(|()| Command::List),
        CommandName::Status => {
            let application = rest.first().map(|typed| parse_name(name, typed)).transpose()?;
            refuse_surplus(name, &rest, 1).map(|()| Command::Status { application })
        }
        CommandName::History => {
            let application = first_name(name, "APP", &rest)?;
            refuse_surplus(name, &rest, 1).map(|()| Command::History { application })
        }
        CommandName::Deploy => parse_deploy(&rest),
        CommandName::Rollback => parse_rollback(&rest),
        CommandName::Approve => parse_decision(name, DecisionKind::Approve, &rest),
        CommandName::Reject => parse_decision(name, DecisionKind::Reject, &rest),
        CommandName::Abort => parse_decision(name, DecisionKind::Abort, &rest),
        CommandName::Resume => parse_decision(name, DecisionKind::Resume, &rest),
        CommandName::GiveUp => parse_decision(name, DecisionKind::GiveUp, &rest),
    }
}

fn parse_decision(name: CommandName, decision: DecisionKind, rest: &[&str]) -> Result<Command, ParseError> {
    Ok(Command::Decide { decision, rollout: first_name(name, "ID", rest)?, reason: join_reason(rest, 1) })
}

fn parse_deploy(rest: &[&str]) -> Result<Command, ParseError> {
    let name = CommandName::Deploy;
    let application = first_name(name, "APP", rest)?;
    let version = rest.get(1).map(|typed| trim_word(typed));
    let version = version.ok_or_else(|| ParseError::usage(name, "Which version?"))?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let starts = version.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if !starts || version.len() > 63 || !version.bytes().all(allowed) {
        let problem = format!(
            "`{}` is not a version: letters, digits, dots, dashes and underscores, at most 63, beginning with a letter or digit.",
            shorten(version)
        );
        return Err(ParseError::usage(name, problem));
    }
    let (start_from, words) = start_from::parse(&rest[2..])?;
    Ok(Command::Deploy { application, version: version.to_owned(), start_from, reason: join_reason(rest, 2 + words) })
}

fn parse_rollback(rest: &[&str]) -> Result<Command, ParseError> {
    let name = CommandName::Rollback;
    let application = first_name(name, "APP", rest)?;
    let rewind = match rest.get(1).map(|typed| trim_word(typed)) {
        None | Some("carry") => false,
        Some("rewind") => true,
        Some(other) => {
            return Err(ParseError::usage(name, format!("`{}` is neither carry nor rewind.", shorten(other))));
        }
    };
    refuse_surplus(name, rest, 2).map(|()| Command::RollBack { application, rewind })
}

/// Refuses words after the last one that the command knows: one of them may be what was meant.
fn refuse_surplus(name: CommandName, rest: &[&str], max: usize) -> Result<(), ParseError> {
    let surplus = rest.get(max..).unwrap_or_default().join(" ");
    if surplus.is_empty() {
        return Ok(());
    }
    Err(ParseError::usage(name, format!("`{}` is too much.", shorten(&surplus))))
}

fn first_name(name: CommandName, what: &str, rest: &[&str]) -> Result<String, ParseError> {
    let typed = rest.first().ok_or_else(|| ParseError::usage(name, format!("{what} is missing.")))?;
    parse_name(name, typed)
}

/// Checks a name of Kubernetes, with or without its namespace.
fn parse_name(name: CommandName, typed: &str) -> Result<String, ParseError> {
    let typed = trim_word(typed);
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-/.".contains(&byte);
    if typed.len() <= 127 && typed.bytes().all(allowed) && typed.matches('/').count() <= 1 && !typed.contains("..") {
        return Ok(typed.to_owned());
    }
    Err(ParseError::usage(name, format!("`{}` is not a name.", shorten(typed))))
}

/// Joins the words that are left into the reason.
fn join_reason(rest: &[&str], from: usize) -> Option<String> {
    let text = plain_text(&rest.get(from..)?.join(" "));
    (!text.is_empty()).then(|| truncate(&text, MAX_REASON))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result_of(text: &str) -> String {
        match parse(text) {
            Ok(command) => format!("{command:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn commands_are_parsed() {
        insta::assert_snapshot!(
            ["deploy orders 1.4.2", "deploy shop/orders 1.4.2 fixes late events", "deploy orders 1.4.2 from restore-point orders-1 state was bad", "rollback orders", "rollback orders rewind", "approve orders-0123456789",
             "reject orders-1 R&amp;D says &lt;no&gt;", "GIVE-UP orders-1", "status", "status orders", "list", "history orders", "", "deploy “orders” `1.4.2`, as <@U0BOB|bob> says in <#C1|deploys>, <https://x.example/1|ticket>", "rollback orders rewind."].map(result_of).join("\n"), @r#"
        Deploy { application: "orders", version: "1.4.2", start_from: StartFrom { from: Savepoint, value: None, without_savepoint: false, job_manager_is_down: false }, reason: None }
        Deploy { application: "shop/orders", version: "1.4.2", start_from: StartFrom { from: Savepoint, value: None, without_savepoint: false, job_manager_is_down: false }, reason: Some("fixes late events") }
        Deploy { application: "orders", version: "1.4.2", start_from: StartFrom { from: RestorePoint, value: Some("orders-1"), without_savepoint: false, job_manager_is_down: false }, reason: Some("state was bad") }
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
        Deploy { application: "orders", version: "1.4.2", start_from: StartFrom { from: Savepoint, value: None, without_savepoint: false, job_manager_is_down: false }, reason: Some("as @bob says in #deploys, https://x.example/1") }
        RollBack { application: "orders", rewind: true }
        "#);
    }

    #[test]
    fn a_wrong_command_is_refused_with_the_word_and_its_usage() {
        let long = format!("deploy orders {}", "9".repeat(300));
        insta::assert_snapshot!(
            ["depoly orders 1", "xyzzy", "deploy", "deploy orders", "deploy orders 1.2.0; rm", "deploy orders ../x", &long, "rollback orders sideways", "approve <!channel>",
             "rollback orders rewind 1.2.0", "rollback orders carry on", "list orders", "status orders now", "history orders 5", "help me <!here>"].map(result_of).join("\n"), @r"
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
