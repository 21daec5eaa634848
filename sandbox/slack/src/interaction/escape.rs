//! Escapes the text of a command that has `should_escape`, as Slack does.

use crate::world::World;

/// Replaces names by ids and escapes `& < >`.
pub(super) fn escape(world: &World, typed: &str) -> String {
    typed.split_inclusive(char::is_whitespace).map(|piece| escape_piece(world, piece)).collect()
}

fn escape_piece(world: &World, piece: &str) -> String {
    let bare = piece.trim_end();
    let space = &piece[bare.len()..];
    format!("{}{space}", reference_to(world, bare).unwrap_or_else(|| escape_characters(bare)))
}

fn reference_to(world: &World, typed: &str) -> Option<String> {
    if let Some(name) = typed.strip_prefix('@') {
        let user =
            world.users.iter().find(|user| user.name == name).map(|user| format!("<@{}|{}>", user.id, user.name));
        let bot = (name == world.app.bot_name).then(|| format!("<@{}|{name}>", world.app.bot_user));
        let group = world.groups.iter().find(|group| group.handle == name);
        return user.or(bot).or_else(|| group.map(|group| format!("<!subteam^{}|@{}>", group.id, group.handle)));
    }
    if let Some(name) = typed.strip_prefix('#') {
        let channel = world.channels.iter().find(|channel| channel.name == name)?;
        return Some(format!("<#{}|{}>", channel.id, channel.name));
    }
    let is_link = typed.starts_with("http://") || typed.starts_with("https://");
    is_link.then(|| format!("<{}>", escape_characters(typed)))
}

fn escape_characters(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::WorldDefinition;

    #[test]
    fn names_become_ids_and_markup_is_escaped() {
        let world = World::new(WorldDefinition::default(), "Lockkeeper", "lockkeeper");
        let escaped = |typed: &str| escape(&world, typed);
        assert_eq!(escaped("ask @bob in #deploys"), "ask <@U0BOB|bob> in <#C0DEPLOYS|deploys>");
        assert_eq!(escaped("@platform"), "<!subteam^S0PLATFORM|@platform>");
        assert_eq!(escaped("<@U0BOB> & co"), "&lt;@U0BOB&gt; &amp; co");
        assert_eq!(escaped("see https://a.b/c?d&e"), "see <https://a.b/c?d&amp;e>");
        assert_eq!(escaped("@nobody  #nowhere"), "@nobody  #nowhere");
    }
}
