//! A Kubernetes client with the bot's service account, for tests that call Lockkeeper's code without a bot.

use crate::support::sandbox::Sandbox;

pub async fn bot_client(sandbox: &Sandbox) -> kube::Client {
    // An error means that another test has installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    kube::Client::try_from(sandbox.bot_config().await).unwrap()
}
