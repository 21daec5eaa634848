//! The `response_url`s of the workspace: who may answer where, and how often.

use std::collections::HashMap;
use std::time::{Duration, Instant};

const MAX_USES: u32 = 5;

/// The valid URLs, by the secret at their end.
#[derive(Debug)]
pub(crate) struct ResponseUrls {
    lifetime: Duration,
    by_secret: HashMap<String, ResponseUrl>,
}

/// One URL: the person and the channel that it answers to.
#[derive(Debug, Clone)]
pub(crate) struct ResponseUrl {
    pub(crate) user: String,
    pub(crate) channel: String,
    pub(crate) origin: Option<Origin>,
    uses_left: u32,
    issued: Instant,
}

/// The message whose button was pressed.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) ts: String,
    pub(crate) is_ephemeral: bool,
}

impl ResponseUrls {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self { lifetime, by_secret: HashMap::new() }
    }

    pub(crate) fn issue(
        &mut self,
        base_url: &str,
        team: &str,
        user: &str,
        channel: &str,
        origin: Option<Origin>,
    ) -> String {
        let lifetime = self.lifetime;
        self.by_secret.retain(|_, entry| entry.issued.elapsed() < lifetime);
        let kind = if origin.is_some() { "actions" } else { "commands" };
        let secret = uuid::Uuid::new_v4().simple().to_string();
        let entry = ResponseUrl {
            user: user.into(),
            channel: channel.into(),
            origin,
            uses_left: MAX_USES,
            issued: Instant::now(),
        };
        self.by_secret.insert(secret.clone(), entry);
        format!("{base_url}/{kind}/{team}/{}/{secret}", self.by_secret.len())
    }

    /// Uses a URL once.
    pub(crate) fn redeem(&mut self, secret: &str) -> Result<ResponseUrl, &'static str> {
        let entry = self.by_secret.get_mut(secret).ok_or("expired_url")?;
        if entry.issued.elapsed() >= self.lifetime {
            return Err("expired_url");
        }
        entry.uses_left = entry.uses_left.checked_sub(1).ok_or("used_url")?;
        Ok(entry.clone())
    }
}
