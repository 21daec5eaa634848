//! Lists and watches objects although this version cannot read some of them.

use futures::{Stream, StreamExt as _, future::ready};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{ListParams, ObjectMeta},
    core::{DeserializeGuard, NamespaceResourceScope},
    runtime::{WatchStreamExt as _, watcher},
};
use serde::de::DeserializeOwned;

/// The objects of one list. Another version of Lockkeeper may have written objects that this one cannot read.
#[derive(Debug)]
pub struct Readable<K> {
    pub items: Vec<K>,
    /// The metadata of the objects that this version cannot read.
    pub unreadable: Vec<ObjectMeta>,
}

/// Lists objects. One that cannot be read does not fail the list.
pub async fn list_readable<K>(api: &Api<K>, params: &ListParams) -> kube::Result<Readable<K>>
where
    K: kube::Resource + Clone + std::fmt::Debug + DeserializeOwned,
{
    let client = api.clone().into_client();
    let request = kube::core::Request::new(api.resource_url()).list(params).map_err(kube::Error::BuildRequest)?;
    let list: kube::core::ObjectList<DeserializeGuard<K>> = client.request(request).await?;
    let mut readable = Readable { items: Vec::new(), unreadable: Vec::new() };
    for object in list.items {
        match object.0 {
            Ok(object) => readable.items.push(object),
            Err(invalid) => readable.unreadable.push(invalid.metadata),
        }
    }
    Ok(readable)
}

/// Watches the objects of a namespace. One that cannot be read is logged and left out.
pub fn watch_readable<K>(
    client: Client,
    namespace: &str,
) -> impl Stream<Item = watcher::Result<watcher::Event<K>>> + Send + use<K>
where
    K: Resource<Scope = NamespaceResourceScope> + Clone + std::fmt::Debug + DeserializeOwned + Send + 'static,
    K::DynamicType: Default,
{
    let api: Api<DeserializeGuard<K>> = Api::namespaced(client, namespace);
    let events = watcher(api, watcher::Config::default()).default_backoff();
    events.filter_map(|event| ready(event.map(readable_event).transpose()))
}

fn readable_event<K: Resource>(event: watcher::Event<DeserializeGuard<K>>) -> Option<watcher::Event<K>>
where
    K::DynamicType: Default,
{
    match event {
        watcher::Event::Apply(object) => read_or_log(object).map(watcher::Event::Apply),
        watcher::Event::Delete(object) => read_or_log(object).map(watcher::Event::Delete),
        watcher::Event::InitApply(object) => read_or_log(object).map(watcher::Event::InitApply),
        watcher::Event::Init => Some(watcher::Event::Init),
        watcher::Event::InitDone => Some(watcher::Event::InitDone),
    }
}

fn read_or_log<K: Resource>(object: DeserializeGuard<K>) -> Option<K>
where
    K::DynamicType: Default,
{
    let name = object.name_any();
    let kind = K::kind(&K::DynamicType::default()).into_owned();
    object.0.inspect_err(|error| tracing::warn!(kind, name, %error, "this version of Lockkeeper cannot read the object: it is left alone")).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::FlinkRollout;

    #[test]
    fn a_rollout_of_another_version_does_not_hide_the_others() {
        let rollout = |kind: &str| -> DeserializeGuard<FlinkRollout> {
            serde_json::from_value(json!({
                "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkRollout", "metadata": {"name": "a"},
                "spec": {"request": {"application": "orders", "by": "kubernetes:a", "kind": kind, "version": "1"}},
            }))
            .unwrap()
        };
        assert!(readable_event(watcher::Event::InitApply(rollout("Deploy"))).is_some());
        assert!(readable_event(watcher::Event::InitApply(rollout("Migrate"))).is_none());
        assert!(readable_event::<FlinkRollout>(watcher::Event::InitDone).is_some());
    }
}
