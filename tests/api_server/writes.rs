//! Creation of immutable objects, which a restarted bot repeats, and server-side apply over what another tool deployed.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
    core::DynamicObject,
};
use lockkeeper::cluster::Writer;
use serde_json::json;

use crate::bot_client::bot_client;
use crate::support::sandbox::Sandbox;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_immutable_object_is_created_once_however_the_chart_writes_it() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("twice");
    let writer = Writer::new(bot_client(&sandbox).await, &namespace.name);
    let objects = json!([
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "plain"}, "immutable": true, "data": {"key": "bm9uZQ=="}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "text"}, "immutable": true, "stringData": {"key": "none"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "lines"}, "immutable": true, "data": {"key": "bm9u\nZQ==\n"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "none"}, "immutable": true, "type": "", "data": null},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "none"}, "immutable": true, "data": null},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "empty"}, "immutable": true, "data": {"key": null}},
    ]);
    for object in serde_json::from_value::<Vec<DynamicObject>>(objects).unwrap() {
        writer.create_immutable(&object, false).await.unwrap();
        writer.create_immutable(&object, false).await.unwrap();
        let mut other = object.clone();
        other.data["data"] = json!({"key": "b3RoZXI="});
        other.data.as_object_mut().unwrap().remove("stringData");
        let refused = writer.create_immutable(&other, false).await.unwrap_err().to_string();
        assert!(refused.contains("it already exists with different content"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_helm_set_and_the_new_chart_dropped_is_removed() {
    let sandbox = Sandbox::get();
    let namespace = sandbox.namespace("dropped");
    let client = bot_client(&sandbox).await;
    let maps = Api::<ConfigMap>::namespaced(client.clone(), &namespace.name);
    let release = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"kept": "1", "dropped": "1"}});
    let helm = PostParams { field_manager: Some("helm".to_owned()), ..PostParams::default() };
    maps.create(&helm, &serde_json::from_value(release).unwrap()).await.unwrap();
    let by_hand = Patch::Merge(json!({"data": {"by-hand": "1"}}));
    maps.patch(
        "a",
        &PatchParams { field_manager: Some("kubectl-edit".to_owned()), ..PatchParams::default() },
        &by_hand,
    )
    .await
    .unwrap();
    let writer = Writer::new(client, &namespace.name);
    let new: DynamicObject = serde_json::from_value(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"kept": "2"}}),
    )
    .unwrap();
    let kept = BTreeMap::from([("kept", "2"), ("by-hand", "1")].map(|(key, value)| (key.to_owned(), value.to_owned())));
    for is_first in [true, false] {
        assert_eq!(writer.take_over_fields(&new).await.unwrap(), is_first);
        writer.apply(&new, false).await.unwrap();
        assert_eq!(maps.get("a").await.unwrap().data.unwrap(), kept, "a repeat changes nothing");
    }
}
