//! Creation of immutable objects, which a restarted bot repeats.

use kube::core::DynamicObject;
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
