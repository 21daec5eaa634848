//! Checks interactive elements and images.

use serde_json::{Map, Value};

use super::report::Report;
use super::text::{Kinds, check_confirm, check_style, check_text};

pub(super) fn check_element(report: &mut Report, value: &Value, at: &str) {
    let Some(object) = report.expect_object(value, at) else { return };
    match object.get("type").and_then(Value::as_str) {
        Some("button") => check_button(report, object, at),
        Some("static_select") => check_choice(report, object, at, 100),
        Some("radio_buttons") => check_choice(report, object, at, 10),
        Some("overflow") => check_choice(report, object, at, 5),
        Some("image") => report.add("images are not allowed here", at),
        Some(other) => report.add(&format!("unsupported type: {other}"), &format!("{at}/type")),
        None => report.add("missing required field: type", at),
    }
}

pub(super) fn check_image(report: &mut Report, object: &Map<String, Value>, at: &str) {
    for (name, max) in [("image_url", 3000), ("alt_text", 2000)] {
        if let Some(value) = report.require(object, name, at) {
            report.check_string(value, max, &format!("{at}/{name}"));
        }
    }
}

fn check_button(report: &mut Report, object: &Map<String, Value>, at: &str) {
    let known = ["type", "text", "action_id", "url", "value", "style", "confirm", "accessibility_label"];
    report.allow_only(object, &known, at);
    if let Some(text) = report.require(object, "text", at) {
        check_text(report, text, Kinds::PlainOnly, 75, &format!("{at}/text"));
    }
    for (name, max) in [("action_id", 255), ("value", 2000), ("url", 3000), ("accessibility_label", 75)] {
        report.check_optional_string(object, name, max, at);
    }
    let url = object.get("url").and_then(Value::as_str);
    if url.is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
        report.add("must be a valid URL", &format!("{at}/url"));
    }
    check_style(report, object.get("style"), at);
    if let Some(confirm) = object.get("confirm") {
        check_confirm(report, confirm, &format!("{at}/confirm"));
    }
}

fn check_choice(report: &mut Report, object: &Map<String, Value>, at: &str, max: usize) {
    let known = ["type", "action_id", "options", "placeholder", "initial_option", "confirm", "focus_on_load"];
    report.allow_only(object, &known, at);
    report.check_optional_string(object, "action_id", 255, at);
    if let Some(options) = report.require(object, "options", at) {
        let at = format!("{at}/options");
        for (index, option) in report.expect_list(options, max, &at).iter().enumerate() {
            check_option(report, option, &format!("{at}/{index}"));
        }
    }
    if let Some(text) = object.get("placeholder") {
        check_text(report, text, Kinds::PlainOnly, 150, &format!("{at}/placeholder"));
    }
    if let Some(confirm) = object.get("confirm") {
        check_confirm(report, confirm, &format!("{at}/confirm"));
    }
}

fn check_option(report: &mut Report, value: &Value, at: &str) {
    let Some(object) = report.expect_object(value, at) else { return };
    report.allow_only(object, &["text", "value", "description", "url"], at);
    if let Some(text) = report.require(object, "text", at) {
        check_text(report, text, Kinds::Any, 75, &format!("{at}/text"));
    }
    if let Some(value) = report.require(object, "value", at) {
        report.check_string(value, 150, &format!("{at}/value"));
    }
    if let Some(description) = object.get("description") {
        check_text(report, description, Kinds::Any, 75, &format!("{at}/description"));
    }
}
