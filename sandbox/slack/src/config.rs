//! The configuration of a simulator: its address, the workspace, the installed app, and Slack's time limits.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;

use crate::world::WorldDefinition;

/// The project's own app manifest. The simulator grants only the scopes and commands in it.
const PROJECT_MANIFEST: &str = include_str!("../../../slack-app.yaml");

/// The configuration of a simulator.
#[derive(Debug, Clone)]
pub struct Config {
    /// The address to listen on. Port 0 takes a free port. Only loopback addresses are accepted.
    pub listen: SocketAddr,
    /// Users, channels and user groups at the start.
    pub world: WorldDefinition,
    /// The installed app: its commands and its scopes.
    pub manifest: AppManifest,
    /// How many times faster than at Slack the rate limits refill. 1 is Slack's pace. They cannot be turned off.
    pub rate_limit_speedup: f64,
    /// How long to wait for an acknowledgement. Slack waits 3 s.
    pub ack_deadline: Duration,
    /// How long a `response_url` is valid. At Slack it is 30 min.
    pub response_url_lifetime: Duration,
}

impl Config {
    /// The default workspace with the project's own app manifest, on a free port of 127.0.0.1.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            world: WorldDefinition::default(),
            manifest: AppManifest::parse(PROJECT_MANIFEST)?,
            rate_limit_speedup: 1.0,
            ack_deadline: Duration::from_secs(3),
            response_url_lifetime: Duration::from_mins(30),
        })
    }
}

/// The parts of a Slack app manifest that decide what the app may do.
#[derive(Debug, Clone, Deserialize)]
pub struct AppManifest {
    display_information: DisplayInformation,
    features: Features,
    oauth_config: OauthConfig,
    settings: Settings,
}

#[derive(Debug, Clone, Deserialize)]
struct DisplayInformation {
    name: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Features {
    bot_user: BotUser,
    #[serde(default)]
    slash_commands: Vec<SlashCommand>,
}

#[derive(Debug, Clone, Deserialize)]
struct BotUser {
    display_name: String,
}

/// A slash command as the manifest declares it.
#[derive(Debug, Clone, Deserialize)]
pub struct SlashCommand {
    /// The name with its slash: `/flink`.
    pub command: String,
    /// The hint that Slack shows while a person types the command.
    #[serde(default)]
    pub usage_hint: String,
    /// Whether `@bob` and `#deploys` arrive as `<@U…>` and `<#C…>`.
    #[serde(default)]
    pub should_escape: bool,
}

#[derive(Debug, Clone, Deserialize)]
struct OauthConfig {
    scopes: Scopes,
}

#[derive(Debug, Clone, Deserialize)]
struct Scopes {
    bot: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Settings {
    #[serde(default)]
    socket_mode_enabled: bool,
    #[serde(default)]
    interactivity: Interactivity,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Interactivity {
    #[serde(default)]
    is_enabled: bool,
}

impl AppManifest {
    /// Reads a manifest in YAML. Errors name the line.
    pub fn parse(yaml: &str) -> anyhow::Result<Self> {
        serde_saphyr::from_str(yaml).context("Slack would not accept this app manifest")
    }

    /// The display name of the app.
    #[must_use]
    pub fn app_name(&self) -> &str {
        &self.display_information.name
    }

    /// The display name of the bot user.
    #[must_use]
    pub fn bot_name(&self) -> &str {
        &self.features.bot_user.display_name
    }

    /// The slash commands of the app.
    #[must_use]
    pub fn commands(&self) -> &[SlashCommand] {
        &self.features.slash_commands
    }

    /// The scopes of the bot token.
    #[must_use]
    pub fn bot_scopes(&self) -> &[String] {
        &self.oauth_config.scopes.bot
    }

    /// Removes a scope, as in an installation from before the scope was added.
    #[must_use]
    pub fn without_scope(mut self, scope: &str) -> Self {
        self.oauth_config.scopes.bot.retain(|granted| granted != scope);
        self
    }

    /// Adds a scope that the project's own app does not need.
    #[must_use]
    pub fn with_scope(mut self, scope: &str) -> Self {
        self.oauth_config.scopes.bot.push(scope.to_owned());
        self
    }

    pub(crate) fn socket_mode_enabled(&self) -> bool {
        self.settings.socket_mode_enabled
    }

    pub(crate) fn interactivity_enabled(&self) -> bool {
        self.settings.interactivity.is_enabled
    }
}
