//! Messages as plain text, for snapshots and terminals: what a person would read, with buttons as `[Approve]`.

mod mrkdwn;

use serde_json::Value;

use crate::world::{Ephemeral, Message, World};

/// A message with its author and its marks.
pub(crate) fn message(world: &World, message: &Message) -> String {
    let mut marks = String::new();
    if message.broadcast {
        marks.push_str(" (also sent to the channel)");
    }
    if message.shows_edited {
        marks.push_str(" (edited)");
    }
    let head = format!("{}{marks}:", world.handle_of(&message.user));
    format!("{head}\n{}", indent(&content(world, &message.text, &message.blocks)))
}

/// An ephemeral, with whom it is for.
pub(crate) fn ephemeral(world: &World, ephemeral: &Ephemeral) -> String {
    let from = if ephemeral.from_slack { "Slack" } else { &world.app.bot_name };
    let head = format!("{from} (only visible to {}):", world.handle_of(&ephemeral.user));
    format!("{head}\n{}", indent(&content(world, &ephemeral.text, &ephemeral.blocks)))
}

/// Several messages, oldest first, with an empty line between them.
pub(crate) fn messages<'a>(world: &World, all: impl Iterator<Item = &'a Message>) -> String {
    all.map(|one| message(world, one)).collect::<Vec<_>>().join("\n\n")
}

/// What a message shows: its blocks, or its text where it has none.
pub(crate) fn content(world: &World, text: &str, blocks: &[Value]) -> String {
    if blocks.is_empty() {
        return mrkdwn::to_plain(world, text);
    }
    blocks.iter().map(|one| block(world, one)).filter(|shown| !shown.is_empty()).collect::<Vec<_>>().join("\n")
}

fn block(world: &World, block: &Value) -> String {
    match block["type"].as_str().unwrap_or_default() {
        "header" => format!("# {}", text(world, &block["text"])),
        "divider" => "---".to_owned(),
        "section" => section(world, block),
        "context" => {
            let parts: Vec<String> = items(block, "elements").map(|part| text(world, part)).collect();
            format!("~ {}", parts.join(" · "))
        }
        "actions" => items(block, "elements").map(|part| element(world, part)).collect::<Vec<_>>().join(" "),
        "image" => format!("[image: {}]", block["alt_text"].as_str().unwrap_or_default()),
        other => format!("[{other}]"),
    }
}

fn section(world: &World, block: &Value) -> String {
    let own = block.get("text").map(|own| text(world, own));
    // A field is usually a bold name on one line and its value on the next.
    let fields = items(block, "fields").map(|field| format!("- {}", text(world, field).replacen('\n', " ", 1)));
    let accessory = block.get("accessory").map(|part| element(world, part));
    own.into_iter().chain(fields).chain(accessory).collect::<Vec<_>>().join("\n")
}

fn element(world: &World, element: &Value) -> String {
    let label = text(world, &element["text"]);
    match element["type"].as_str().unwrap_or_default() {
        "button" => format!("[{label}]"),
        "image" => text(world, element),
        other => {
            let options: Vec<String> = items(element, "options").map(|option| text(world, &option["text"])).collect();
            format!("[{other}: {}]", options.join(" | "))
        }
    }
}

fn text(world: &World, object: &Value) -> String {
    let text = object["text"].as_str().unwrap_or_default();
    match object["type"].as_str() {
        Some("mrkdwn") => mrkdwn::to_plain(world, text),
        Some("image") => format!("[image: {}]", object["alt_text"].as_str().unwrap_or_default()),
        _ => text.to_owned(),
    }
}

fn items<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn indent(text: &str) -> String {
    text.lines()
        .map(|line| if line.is_empty() { String::new() } else { format!("  {line}") })
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::world::WorldDefinition;

    #[test]
    fn blocks_read_like_the_screen() {
        let world = World::new(WorldDefinition::default(), "Lockkeeper", "lockkeeper");
        let blocks = json!([
            {"type": "header", "text": {"type": "plain_text", "text": "orders 1.0.0 → 1.1.0"}},
            {"type": "section", "text": {"type": "mrkdwn", "text": "*Waiting* for <!subteam^S0PLATFORM>"},
             "fields": [{"type": "mrkdwn", "text": "*Asked by*\n<@U0ALICE>"}]},
            {"type": "divider"},
            {"type": "actions", "elements": [
                {"type": "button", "text": {"type": "plain_text", "text": "Approve"}},
                {"type": "button", "text": {"type": "plain_text", "text": "Reject"}}]},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "a &lt; b"}, {"type": "plain_text", "text": "c"}]},
        ]);
        let shown = content(&world, "fallback", blocks.as_array().unwrap());
        insta::assert_snapshot!(shown, @r"
        # orders 1.0.0 → 1.1.0
        *Waiting* for @platform
        - *Asked by* @alice
        ---
        [Approve] [Reject]
        ~ a < b · c
        ");
    }
}
