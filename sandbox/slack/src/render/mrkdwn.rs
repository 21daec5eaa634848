//! Renders Slack's markup as plain text: references by name, links with their address, dates by their fallback.

use crate::world::World;

/// Converts markup to plain text. The marks of bold, italics and code stay.
pub(super) fn to_plain(world: &World, markup: &str) -> String {
    let mut out = String::new();
    let mut rest = markup;
    while let Some(start) = rest.find('<') {
        let Some(length) = rest[start..].find('>') else {
            break;
        };
        out.push_str(&rest[..start]);
        out.push_str(&render_reference(world, &rest[start + 1..start + length]));
        rest = &rest[start + length + 1..];
    }
    out.push_str(rest);
    out.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn render_reference(world: &World, inner: &str) -> String {
    let (target, label) = inner.split_once('|').map_or((inner, None), |(target, label)| (target, Some(label)));
    if let Some(user) = target.strip_prefix('@') {
        return format!("@{}", world.handle_of(user));
    }
    if let Some(channel) = target.strip_prefix('#') {
        return format!("#{}", world.channel_by_id(channel).map_or(channel, |known| &known.name));
    }
    if let Some(group) = target.strip_prefix("!subteam^") {
        return format!(
            "@{}",
            world.groups.iter().find(|known| known.id == group).map_or(group, |known| &known.handle)
        );
    }
    if target.starts_with("!date^") {
        return label.unwrap_or("a date").to_owned();
    }
    if let Some(special) = target.strip_prefix('!') {
        return format!("@{special}");
    }
    match label {
        Some(label) => format!("{label} ({target})"),
        None => target.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::WorldDefinition;

    #[test]
    fn references_read_as_names() {
        let world = World::new(WorldDefinition::default(), "Lockkeeper", "lockkeeper");
        let plain = |markup: &str| to_plain(&world, markup);
        assert_eq!(plain("<@U0BOB> in <#C0DEPLOYS>"), "@bob in #deploys");
        assert_eq!(plain("<!here> <!subteam^S0PLATFORM>"), "@here @platform");
        assert_eq!(plain("at <!date^1764000000^{time}|14:02>"), "at 14:02");
        assert_eq!(plain("<https://a.b|the log> <https://c.d>"), "the log (https://a.b) https://c.d");
        assert_eq!(plain("1 &lt; 2 &amp;lt; <unfinished"), "1 < 2 &lt; <unfinished");
    }
}
