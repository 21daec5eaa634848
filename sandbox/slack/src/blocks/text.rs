//! Checks text objects and confirmation dialogs.

use serde_json::Value;

use super::report::Report;

/// The kinds of text that are allowed in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kinds {
    PlainOnly,
    Any,
}

pub(super) fn check_text(report: &mut Report, value: &Value, kinds: Kinds, max: usize, at: &str) {
    let Some(object) = report.expect_object(value, at) else { return };
    match object.get("type").and_then(Value::as_str) {
        Some("plain_text") => report.allow_only(object, &["type", "text", "emoji"], at),
        Some("mrkdwn") if kinds == Kinds::Any => report.allow_only(object, &["type", "text", "verbatim"], at),
        Some("mrkdwn") => report.add("must be a plain_text object", at),
        Some(other) => report.add(&format!("unsupported type: {other}"), &format!("{at}/type")),
        None => report.add("missing required field: type", at),
    }
    if let Some(text) = report.require(object, "text", at) {
        report.check_string(text, max, &format!("{at}/text"));
    }
}

pub(super) fn check_confirm(report: &mut Report, value: &Value, at: &str) {
    let Some(object) = report.expect_object(value, at) else { return };
    report.allow_only(object, &["title", "text", "confirm", "deny", "style"], at);
    let parts = [
        ("title", Kinds::PlainOnly, 100),
        ("text", Kinds::Any, 300),
        ("confirm", Kinds::PlainOnly, 30),
        ("deny", Kinds::PlainOnly, 30),
    ];
    for (name, kinds, max) in parts {
        if let Some(text) = report.require(object, name, at) {
            check_text(report, text, kinds, max, &format!("{at}/{name}"));
        }
    }
    check_style(report, object.get("style"), at);
}

pub(super) fn check_style(report: &mut Report, style: Option<&Value>, at: &str) {
    if style.is_some_and(|style| style != "primary" && style != "danger") {
        report.add("must be one of: primary, danger", &format!("{at}/style"));
    }
}
