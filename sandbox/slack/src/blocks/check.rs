//! Checks the blocks of a message against Slack's limits.

use serde_json::{Map, Value};

use super::elements::{check_element, check_image};
use super::report::Report;
use super::text::{Kinds, check_text};

/// The maximum number of blocks in a message.
const MAX_BLOCKS: usize = 50;

/// Lists the problems for which Slack would refuse these blocks.
pub(crate) fn check(blocks: &[Value]) -> Vec<String> {
    let mut report = Report::default();
    if blocks.len() > MAX_BLOCKS {
        report.add(&format!("no more than {MAX_BLOCKS} items allowed"), "/blocks");
    }
    for (index, block) in blocks.iter().enumerate() {
        check_block(&mut report, block, &format!("/blocks/{index}"));
    }
    let ids = blocks.iter().filter_map(|block| block.get("block_id").and_then(Value::as_str));
    report.check_unique(ids, "block_id", "/blocks");
    report.into_problems()
}

fn check_block(report: &mut Report, block: &Value, at: &str) {
    let Some(object) = report.expect_object(block, at) else { return };
    report.check_optional_string(object, "block_id", 255, at);
    match object.get("type").and_then(Value::as_str) {
        Some("section") => check_section(report, object, at),
        Some("header") => check_header(report, object, at),
        Some("divider") => report.allow_only(object, &["type", "block_id"], at),
        Some("context") => check_context(report, object, at),
        Some("actions") => check_actions(report, object, at),
        Some("image") => {
            report.allow_only(object, &["type", "block_id", "image_url", "alt_text", "title"], at);
            check_image(report, object, at);
        }
        Some(other) => report.add(&format!("unsupported type: {other}"), &format!("{at}/type")),
        None => report.add("missing required field: type", at),
    }
}

fn check_section(report: &mut Report, object: &Map<String, Value>, at: &str) {
    report.allow_only(object, &["type", "block_id", "text", "fields", "accessory", "expand"], at);
    if object.get("text").is_none() && object.get("fields").is_none() {
        report.add("missing required field: text", at);
    }
    if let Some(text) = object.get("text") {
        check_text(report, text, Kinds::Any, 3000, &format!("{at}/text"));
    }
    if let Some(fields) = object.get("fields") {
        let at = format!("{at}/fields");
        for (index, field) in report.expect_list(fields, 10, &at).iter().enumerate() {
            check_text(report, field, Kinds::Any, 2000, &format!("{at}/{index}"));
        }
    }
    if let Some(accessory) = object.get("accessory") {
        let at = format!("{at}/accessory");
        match accessory.as_object().filter(|accessory| accessory.get("type").is_some_and(|kind| kind == "image")) {
            Some(image) => check_image(report, image, &at),
            None => check_element(report, accessory, &at),
        }
    }
}

fn check_header(report: &mut Report, object: &Map<String, Value>, at: &str) {
    report.allow_only(object, &["type", "block_id", "text", "level"], at);
    if let Some(text) = report.require(object, "text", at) {
        check_text(report, text, Kinds::PlainOnly, 150, &format!("{at}/text"));
    }
}

fn check_context(report: &mut Report, object: &Map<String, Value>, at: &str) {
    report.allow_only(object, &["type", "block_id", "elements"], at);
    let Some(elements) = report.require(object, "elements", at) else { return };
    let at = format!("{at}/elements");
    for (index, element) in report.expect_list(elements, 10, &at).iter().enumerate() {
        let at = format!("{at}/{index}");
        match element.as_object().filter(|element| element.get("type").is_some_and(|kind| kind == "image")) {
            Some(image) => check_image(report, image, &at),
            None => check_text(report, element, Kinds::Any, 2000, &at),
        }
    }
}

fn check_actions(report: &mut Report, object: &Map<String, Value>, at: &str) {
    report.allow_only(object, &["type", "block_id", "elements"], at);
    let Some(elements) = report.require(object, "elements", at) else { return };
    let at = format!("{at}/elements");
    let elements = report.expect_list(elements, 25, &at);
    for (index, element) in elements.iter().enumerate() {
        check_element(report, element, &format!("{at}/{index}"));
    }
    let ids = elements.iter().filter_map(|element| element.get("action_id").and_then(Value::as_str));
    report.check_unique(ids, "action_id", &at);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A message with every kind of block, each at its limits.
    fn good() -> Value {
        let plain = |length: usize| json!({"type": "plain_text", "text": "x".repeat(length)});
        let mrkdwn = |length: usize| json!({"type": "mrkdwn", "text": "x".repeat(length)});
        let confirm = json!({"title": plain(100), "text": mrkdwn(300), "confirm": plain(30), "deny": plain(30)});
        json!([
            {"type": "header", "block_id": "h", "text": plain(150)},
            {"type": "section", "text": mrkdwn(3000), "fields": vec![mrkdwn(2000); 10]},
            {"type": "context", "elements": vec![mrkdwn(2000); 10]},
            {"type": "divider"},
            {"type": "actions", "block_id": "b".repeat(255), "elements": [
                {"type": "button", "text": plain(75), "action_id": "a".repeat(255), "value": "v".repeat(2000),
                 "style": "primary", "confirm": confirm},
            ]},
        ])
    }

    fn problems(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut blocks = good();
        change(&mut blocks);
        check(blocks.as_array().unwrap())
    }

    #[test]
    fn blocks_at_their_limits_pass() {
        assert_eq!(problems(|_| ()), Vec::<String>::new());
    }

    #[test]
    fn each_limit_is_refused_one_above_it() {
        let lengthen = |pointer: &'static str| {
            move |blocks: &mut Value| {
                let text = blocks.pointer_mut(pointer).unwrap();
                *text = json!(format!("{}x", text.as_str().unwrap()));
            }
        };
        for (pointer, limit) in [
            ("/0/text/text", 150),
            ("/1/text/text", 3000),
            ("/1/fields/3/text", 2000),
            ("/4/block_id", 255),
            ("/4/elements/0/text/text", 75),
            ("/4/elements/0/action_id", 255),
            ("/4/elements/0/value", 2000),
            ("/4/elements/0/confirm/title/text", 100),
            ("/4/elements/0/confirm/text/text", 300),
            ("/4/elements/0/confirm/confirm/text", 30),
            ("/4/elements/0/confirm/deny/text", 30),
        ] {
            let expected =
                format!("[ERROR] must be less than {} characters [json-pointer:/blocks{pointer}]", limit + 1);
            assert_eq!(problems(lengthen(pointer)), [expected]);
        }
    }

    #[test]
    fn too_many_of_anything_is_refused() {
        for (pointer, limit) in [("/1/fields", 10), ("/2/elements", 10)] {
            let found = problems(|blocks| {
                let list = blocks.pointer_mut(pointer).and_then(Value::as_array_mut).unwrap();
                list.push(list[0].clone());
            });
            assert_eq!(found, [format!("[ERROR] no more than {limit} items allowed [json-pointer:/blocks{pointer}]")]);
        }
        let dividers = vec![json!({"type": "divider"}); 51];
        assert_eq!(check(&dividers), ["[ERROR] no more than 50 items allowed [json-pointer:/blocks]"]);
        let buttons: Vec<Value> =
            (0..26).map(|_| json!({"type": "button", "text": {"type": "plain_text", "text": "Go"}})).collect();
        let found = check(&[json!({"type": "actions", "elements": buttons})]);
        assert_eq!(found, ["[ERROR] no more than 25 items allowed [json-pointer:/blocks/0/elements]"]);
    }

    #[test]
    fn ids_must_not_repeat() {
        let twice = problems(|blocks| blocks[3]["block_id"] = json!("h"));
        assert_eq!(twice, ["[ERROR] `block_id` \"h\" already exists [json-pointer:/blocks]"]);
        let twice = problems(|blocks| {
            let elements = blocks[4]["elements"].as_array_mut().unwrap();
            elements.push(json!({"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "x"}));
            elements.push(json!({"type": "button", "text": {"type": "plain_text", "text": "On"}, "action_id": "x"}));
        });
        assert_eq!(twice, ["[ERROR] `action_id` \"x\" already exists [json-pointer:/blocks/4/elements]"]);
    }

    #[test]
    fn malformed_blocks_are_refused_with_the_reason() {
        type Change = fn(&mut Value);
        let cases: [(Change, &str); 8] = [
            (|blocks| blocks[0]["text"]["type"] = json!("mrkdwn"), "must be a plain_text object"),
            (|blocks| blocks[1] = json!({"type": "section"}), "missing required field: text"),
            (|blocks| blocks[1]["text"]["text"] = json!(""), "must be more than 0 characters"),
            (|blocks| blocks[3]["colour"] = json!("red"), "invalid additional property: colour"),
            (|blocks| blocks[3]["type"] = json!("fancy"), "unsupported type: fancy"),
            (|blocks| blocks[4]["elements"] = json!([]), "must have at least 1 item"),
            (|blocks| blocks[4]["elements"][0]["style"] = json!("loud"), "must be one of: primary, danger"),
            (|blocks| blocks[4]["elements"][0]["url"] = json!("javascript:1"), "must be a valid URL"),
        ];
        for (change, expected) in cases {
            let found = problems(change);
            assert!(found.iter().any(|problem| problem.contains(expected)), "{expected}: {found:?}");
        }
    }
}
