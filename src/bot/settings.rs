//! The settings of a bot.

use std::{net::SocketAddr, time::Duration};

use crate::{bake::Renderer, slack::SlackSettings};

/// The settings of a bot, from the command line.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Namespaces whose applications the bot deploys.
    pub namespaces: Vec<String>,
    /// How charts are rendered.
    pub renderer: Renderer,
    /// Address of the health endpoint.
    pub listen: SocketAddr,
    /// Time after which a lease expires if it is not renewed.
    pub lease: Duration,
    /// Name of this process in leases and Events.
    pub identity: String,
    /// None for a bot that takes orders from kubectl only.
    pub slack: Option<SlackSettings>,
}
