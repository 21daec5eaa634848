//! Renders messages as plain text for snapshots and terminals. A button looks like `[Approve]`.

mod mrkdwn;

use serde_json::Value;

use crate::world::{Ephemeral, Message, World};

/// Renders a message with its author and marks such as `(edited)`.
pub(crate) fn render_message(world: &World, message: &Message) -> String {
    let mut marks = String::new();
    if message.broadcast {
        marks.push_str(" (also sent to the channel)");
    }
    if message.shows_edited {
        marks.push_str(" (edited)");
    }
    let head = format!("{}{marks}:", world.handle_of(&message.user));
    format!("{head}\n{}", indent(&render_content(world, &message.text, &message.blocks)))
}

/// Renders an ephemeral with the person who sees it.
pub(crate) fn render_ephemeral(world: &World, ephemeral: &Ephemeral) -> String {
    let from = if ephemeral.from_slack { "Slack" } else { &world.app.bot_name };
    let head = format!("{from} (only visible to {}):", world.handle_of(&ephemeral.user));
    format!("{head}\n{}", indent(&render_content(world, &ephemeral.text, &ephemeral.blocks)))
}

/// Renders messages with an empty line between them.
pub(crate) fn render_messages<'a>(world: &World, all: impl Iterator<Item = &'a Message>) -> String {
    all.map(|one| render_message(world, one)).collect::<Vec<_>>().join("\n\n")
}

/// Renders the content of a message: its blocks, or its text if it has none.
pub(crate) fn render_content(world: &World, text: &str, blocks: &[Value]) -> String {
    if blocks.is_empty() {
        return mrkdwn::to_plain(world, text);
    }
    blocks.iter().map(|one| render_block(world, one)).filter(|shown| !shown.is_empty()).collect::<Vec<_>>().join("\n")
}

fn render_block(world: &World, block: &Value) -> String {
    match block["type"].as_str().unwrap_or_default() {
        "header" => format!("# {}", render_text(world, &block["text"])),
        "divider" => "---".to_owned(),
        "section" => render_section(world, block),
        "context" => {
            let parts: Vec<String> = items(block, "elements").map(|part| render_text(world, part)).collect();
            format!("~ {}", parts.join(" · "))
        }
        "actions" => items(block, "elements").map(|part| render_element(world, part)).collect::<Vec<_>>().join(" "),
        "image" => format!("[image: {}]", block["alt_text"].as_str().unwrap_or_default()),
        other => format!("[{other}]"),
    }
}

fn render_section(world: &World, block: &Value) -> String {
    let own = block.get("text").map(|own| render_text(world, own));
    // A field is usually a bold name on one line and its value on the next.
    let fields = items(block, "fields").map(|field| format!("- {}", render_text(world, field).replacen('\n', " ", 1)));
    let accessory = block.get("accessory").map(|part| render_element(world, part));
    own.into_iter().chain(fields).chain(accessory).collect::<Vec<_>>().join("\n")
}

fn render_element(world: &World, element: &Value) -> String {
    let label = render_text(world, &element["text"]);
    match element["type"].as_str().unwrap_or_default() {
        "button" => format!("[{label}]"),
        "image" => render_text(world, element),
        other => {
            let options: Vec<String> =
                items(element, "options").map(|option| render_text(world, &option["text"])).collect();
            format!("[{other}: {}]", options.join(" | "))
        }
    }
}

fn render_text(world: &World, object: &Value) -> String {
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
        let text = render_content(&world, "fallback", blocks.as_array().unwrap());
        insta::assert_snapshot!(text, @r"
        # orders 1.0.0 → 1.1.0
        *Waiting* for @platform
        - *Asked by* @alice
        ---
        [Approve] [Reject]
        ~ a < b · c
        ");
    }
}
