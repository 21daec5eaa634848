//! The scopes of the bot token.

pub(super) fn has_scope(granted: &[String], scope: &str) -> bool {
    granted.iter().any(|known| known == scope)
}
