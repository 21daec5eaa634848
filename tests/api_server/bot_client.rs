//! A Kubernetes client with the bot's service account, for tests that call Lockkeeper's code without a bot.

use kube::{
    Api,
    api::{Patch, PatchParams},
    core::{ApiResource, DynamicObject, GroupVersionKind},
};
use serde_json::{Value, json};

use crate::support::sandbox::{Namespace, Sandbox};

pub async fn bot_client(sandbox: &Sandbox) -> kube::Client {
    // An error means that another test has installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    kube::Client::try_from(sandbox.bot_config().await).unwrap()
}

/// Writes a status, which only the bot may do.
pub async fn write_status(client: &kube::Client, namespace: &Namespace, (kind, name): (&str, &str), status: &Value) {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("lockkeeper.dev", "v1alpha1", kind));
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &namespace.name, &resource);
    let patch = Patch::Merge(json!({ "status": status }));
    api.patch_status(name, &PatchParams::default(), &patch).await.unwrap();
}
