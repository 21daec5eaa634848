//! How to reach Slack.

use secrecy::SecretString;

/// Base of Slack's own Web API.
pub const SLACK_API: &str = "https://slack.com/api";

/// The tokens of the Slack app and the address of the Web API.
#[derive(Debug, Clone)]
pub struct SlackSettings {
    /// Bot token, `xoxb-`.
    pub bot_token: SecretString,
    /// App-level token for Socket Mode, `xapp-` with `connections:write`.
    pub app_token: SecretString,
    /// Base of the Web API. A slash at its end is ignored.
    pub api_url: String,
}
