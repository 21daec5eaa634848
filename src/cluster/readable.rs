//! Lists objects although this version cannot read some of them.

use kube::{
    Api,
    api::{ListParams, ObjectMeta},
    core::DeserializeGuard,
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
