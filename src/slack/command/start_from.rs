//! `from …` directly after the version: what the new version starts from.

use super::table::{CommandName, ParseError, shorten};
use crate::{
    api::{StartFrom, StartFromKind},
    text::{distance, nearest},
};

const KINDS: [(&str, StartFromKind); 5] = [
    ("savepoint", StartFromKind::Savepoint),
    ("last-checkpoint", StartFromKind::LastCheckpoint),
    ("nothing", StartFromKind::Nothing),
    ("restore-point", StartFromKind::RestorePoint),
    ("path", StartFromKind::Path),
];

/// Parses it from what comes after the version; the start state, and how many words it took.
pub(super) fn parse(rest: &[&str]) -> Result<(StartFrom, usize), ParseError> {
    let Some(&word) = rest.first() else { return Ok((StartFrom::default(), 0)) };
    let kind = rest.get(1).copied();
    if !word.eq_ignore_ascii_case("from") {
        return unless_misspelt(word, kind);
    }
    let Some(kind) = kind else { return Err(problem("From what?")) };
    let Some((_, from)) = KINDS.into_iter().find(|(known, _)| kind.eq_ignore_ascii_case(known)) else {
        return Err(unknown(kind));
    };
    let value = rest.get(2).copied();
    match from {
        StartFromKind::RestorePoint => {
            Ok((StartFrom { value: Some(restore_point(value)?), ..StartFrom::plain(from) }, 3))
        }
        StartFromKind::Path => Ok((StartFrom { value: Some(path(value)?), ..StartFrom::plain(from) }, 3)),
        _ => Ok((StartFrom::plain(from), 2)),
    }
}

/// Something else is the reason, unless it was meant to be `from`: those two words stand in no reason.
fn unless_misspelt(word: &str, kind: Option<&str>) -> Result<(StartFrom, usize), ParseError> {
    let meant = matches!(kind, Some("last-checkpoint" | "restore-point")) && distance(word, "from") <= 2;
    if meant {
        return Err(problem(&format!(
            "`{}` before `{}`: did you mean `from`?",
            shorten(word),
            kind.unwrap_or_default()
        )));
    }
    Ok((StartFrom::default(), 0))
}

fn unknown(kind: &str) -> ParseError {
    let near = nearest(kind, KINDS.map(|(known, _)| known));
    let near = near.map_or_else(String::new, |near| format!(" Did you mean `{near}`?"));
    problem(&format!(
        "`from {}`: there is no such start state.{near} A reason that begins with `from` is written after `from savepoint`.",
        shorten(kind)
    ))
}

fn restore_point(name: Option<&str>) -> Result<String, ParseError> {
    let name = name.ok_or_else(|| problem("Which restore point? `/flink status APP` names the newest."))?;
    let fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    if name.len() <= 253 && name.bytes().all(fine) {
        return Ok(name.to_owned());
    }
    Err(problem(&format!("`{}` is not the name of a restore point.", shorten(name))))
}

/// Slack may have made a link of it, and writes `&` as an entity.
fn path(typed: Option<&str>) -> Result<String, ParseError> {
    let typed = typed.ok_or_else(|| problem("Which path?"))?;
    let bare = typed.strip_prefix('<').and_then(|link| link.strip_suffix('>')).unwrap_or(typed);
    let bare = bare.split('|').next().unwrap_or_default().replace("&amp;", "&");
    let plain = bare.chars().all(|letter| !letter.is_control() && !"<>`".contains(letter));
    if plain && bare.len() <= 1024 && (bare.starts_with('/') || bare.contains(":/")) {
        return Ok(bare);
    }
    Err(problem(&format!("`{}` is not a path such as `s3://bucket/savepoint-1`.", shorten(typed))))
}

fn problem(text: &str) -> ParseError {
    ParseError::usage(CommandName::Deploy, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match parse(&text.split_whitespace().collect::<Vec<_>>()) {
            Ok((StartFrom { from, value, .. }, words)) => format!("{from:?} {value:?} {words}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_start_state_stands_directly_after_the_version() {
        insta::assert_snapshot!(
            ["", "fixes late events", "from last-checkpoint it cannot checkpoint", "FROM Nothing", "from restore-point orders-1 again",
             "from path s3://b/sp-1", "from path <https://b/sp|b>", "from path /data?a=1&amp;b=2", "from savepoint from now on faster", "not from nothing"]
            .map(shown).join("\n"), @r#"
        Savepoint None 0
        Savepoint None 0
        LastCheckpoint None 2
        Nothing None 2
        RestorePoint Some("orders-1") 3
        Path Some("s3://b/sp-1") 3
        Path Some("https://b/sp") 3
        Path Some("/data?a=1&b=2") 3
        Savepoint None 2
        Savepoint None 0
        "#);
    }

    #[test]
    fn what_is_not_one_is_refused_with_the_nearest() {
        insta::assert_snapshot!(
            ["from", "from now on faster", "from last-chekpoint", "from restorepoint x", "form last-checkpoint", "from restore-point", "from restore-point Ord<ers>",
             "from path", "from path nowhere", "from path s3://`x`"].map(shown).join("\n"), @r#"
        From what? Usage: `/flink deploy APP VERSION [from last-checkpoint|nothing|restore-point NAME|path PATH] [reason]`
        `from now`: there is no such start state. A reason that begins with `from` is written after `from savepoint`. Usage: `/flink deploy APP VERSION [from last-checkpoint|nothing|restore-point NAME|path PATH] [reason]`
        `from last-chekpoint`: there is no such start state. Did you mean `last-checkpoint`? A reason that begins with `from` is written after `from savepoint`. Usage: `/flink deploy APP VERSION [from last-checkpoint|nothing|restore-point NAME|path PATH] [reason]`
        `from restorepoint`: there is no such start state. Did you mean `restore-point`? A reason that begins with `from` is written after `from savepoint`. Usage: `/flink deploy APP VERSION [from last-checkpoint|nothing|restore-point NAME|path PATH] [reason]`
        `form` before `last-checkpoint`: did you mean `from`? Usage: `/flink deploy APP VERSION [from last-checkpoint|nothing|restore-point NAME|path PATH] [reason]`
        Which restore point? `/flink status APP` names the newest. Usage: `/flink deploy APP VERSION [from last-checkpoint|nothing|restore-point NAME|path PATH] [reason]`
        `Orders` is not the name of a restore point. Usage: `/flink deploy APP VERSION [from last-checkpoint|nothing|restore-point NAME|path PATH] [reason]`
        Which path? Usage: `/flink deploy APP VERSION [from last-checkpoint|nothing|restore-point NAME|path PATH] [reason]`
        `nowhere` is not a path such as `s3://bucket/savepoint-1`. Usage: `/flink deploy APP VERSION [from last-checkpoint|nothing|restore-point NAME|path PATH] [reason]`
        `s3://x` is not a path such as `s3://bucket/savepoint-1`. Usage: `/flink deploy APP VERSION [from last-checkpoint|nothing|restore-point NAME|path PATH] [reason]`
        "#);
    }
}
