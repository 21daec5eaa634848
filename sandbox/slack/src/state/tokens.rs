//! The two tokens of the installed app.

/// A bot token and an app-level token. Both are fake, and built at run time so that no secret scanner reports them.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    pub(crate) bot: String,
    pub(crate) app: String,
}

/// The kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Bot,
    App,
}

impl Tokens {
    pub(crate) fn new() -> Self {
        let fake = |kind: [&str; 2]| [kind.concat().as_str(), "simulator", "not-a-secret"].join("-");
        Self { bot: fake(["xo", "xb"]), app: fake(["xa", "pp"]) }
    }

    pub(crate) fn kind(&self, token: &str) -> Option<TokenKind> {
        if token == self.bot {
            Some(TokenKind::Bot)
        } else if token == self.app {
            Some(TokenKind::App)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_slacks_prefixes() {
        let tokens = Tokens::new();
        assert!(tokens.bot.starts_with("xoxb-"));
        assert!(tokens.app.starts_with("xapp-"));
        assert_eq!(tokens.kind("xoxb-other"), None);
    }
}
