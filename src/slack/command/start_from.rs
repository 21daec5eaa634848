//! Parses `from …` after the version: the state that the new version starts from.

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

/// Parses the words after the version. Returns the start state and the number of words that belong to it.
pub(super) fn parse(rest: &[&str]) -> Result<(StartFrom, usize), ParseError> {
    let Some(&word) = rest.first() else { return Ok((StartFrom::default(), 0)) };
    let kind = rest.get(1).copied();
    if !word.eq_ignore_ascii_case("from") {
        return refuse_misspelt_from(word, kind);
    }
    let Some(kind) = kind else { return Err(usage_error("From what?")) };
    let Some((_, from)) = KINDS.into_iter().find(|(known, _)| kind.eq_ignore_ascii_case(known)) else {
        return Err(unknown_kind(kind));
    };
    let value = rest.get(2).copied();
    match from {
        StartFromKind::RestorePoint => {
            Ok((StartFrom { value: Some(parse_restore_point(value)?), ..StartFrom::plain(from) }, 3))
        }
        StartFromKind::Path => Ok((StartFrom { value: Some(parse_path(value)?), ..StartFrom::plain(from) }, 3)),
        _ => Ok((StartFrom::plain(from), 2)),
    }
}

/// Other words begin the reason. A misspelt `from` is refused: no reason contains the name of a start state after it.
fn refuse_misspelt_from(word: &str, kind: Option<&str>) -> Result<(StartFrom, usize), ParseError> {
    let meant = matches!(kind, Some("last-checkpoint" | "restore-point")) && distance(word, "from") <= 2;
    if meant {
        return Err(usage_error(&format!(
            "`{}` before `{}`: did you mean `from`?",
            shorten(word),
            kind.unwrap_or_default()
        )));
    }
    Ok((StartFrom::default(), 0))
}

fn unknown_kind(kind: &str) -> ParseError {
    let near = nearest(kind, KINDS.map(|(known, _)| known));
    let near = near.map_or_else(String::new, |near| format!(" Did you mean `{near}`?"));
    usage_error(&format!(
        "`from {}`: there is no such start state.{near} A reason that begins with `from` is written after `from savepoint`.",
        shorten(kind)
    ))
}

fn parse_restore_point(name: Option<&str>) -> Result<String, ParseError> {
    let name = name.ok_or_else(|| usage_error("Which restore point? `/flink status APP` names the newest."))?;
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    if name.len() <= 253 && name.bytes().all(allowed) {
        return Ok(name.to_owned());
    }
    Err(usage_error(&format!("`{}` is not the name of a restore point.", shorten(name))))
}

/// Slack may have made a link of the path, and sends `&` as an entity.
fn parse_path(typed: Option<&str>) -> Result<String, ParseError> {
    let typed = typed.ok_or_else(|| usage_error("Which path?"))?;
    let bare = typed.strip_prefix('<').and_then(|link| link.strip_suffix('>')).unwrap_or(typed);
    let bare = bare.split('|').next().unwrap_or_default().replace("&amp;", "&");
    let plain = bare.chars().all(|letter| !letter.is_control() && !"<>`".contains(letter));
    if plain && bare.len() <= 1024 && (bare.starts_with('/') || bare.contains(":/")) {
        return Ok(bare);
    }
    Err(usage_error(&format!("`{}` is not a path such as `s3://bucket/savepoint-1`.", shorten(typed))))
}

fn usage_error(text: &str) -> ParseError {
    ParseError::usage(CommandName::Deploy, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result_of(text: &str) -> String {
        match parse(&text.split_whitespace().collect::<Vec<_>>()) {
            Ok((StartFrom { from, value, .. }, words)) => format!("{from:?} {value:?} {words}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_start_state_comes_directly_after_the_version() {
        insta::assert_snapshot!(
            ["", "fixes late events", "from last-checkpoint it cannot checkpoint", "FROM Nothing", "from restore-point orders-1 again",
             "from path s3://b/sp-1", "from path <https://b/sp|b>", "from path /data?a=1&amp;b=2", "from savepoint from now on faster", "not from nothing"]
            .map(result_of).join("\n"), @r#"
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
    fn an_unknown_start_state_is_refused_with_the_nearest() {
        insta::assert_snapshot!(
            ["from", "from now on faster", "from last-chekpoint", "from restorepoint x", "form last-checkpoint", "from restore-point", "from restore-point Ord<ers>",
             "from path", "from path nowhere", "from path s3://`x`"].map(result_of).join("\n"), @r#"
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
