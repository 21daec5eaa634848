//! An attack: somebody who may write Secrets replaces a revision record, so that the bot applies what nobody approved.

use std::io::{Read as _, Write as _};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use k8s_openapi::{ByteString, api::core::v1::Secret};
use serde_json::{Value, json};

use crate::support::application::Application;

/// Name of the ConfigMap that the swapped record holds as well.
pub const SMUGGLED: &str = "smuggled";

impl Application {
    /// Replaces a revision record by one that also holds a ConfigMap of the attacker's.
    pub fn swap_record(&self, revision: u32) {
        let name = format!("{}-rev-{revision:03}", self.name);
        let mut secret: Secret = serde_json::from_value(self.get(&format!("secret/{name}"))).unwrap();
        let packed = secret.data.as_mut().unwrap().values_mut().next().unwrap();
        let mut text = String::new();
        GzDecoder::new(packed.0.as_slice()).read_to_string(&mut text).unwrap();
        let mut record: Value = serde_json::from_str(&text).unwrap();
        let smuggled =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": SMUGGLED}, "data": {"a": "1"}});
        record["objects"].as_array_mut().unwrap().push(smuggled);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(record.to_string().as_bytes()).unwrap();
        *packed = ByteString(encoder.finish().unwrap());
        secret.metadata.resource_version = None;
        secret.metadata.uid = None;
        self.kubectl(&["delete", "secret", &name]);
        self.apply(&serde_json::to_value(&secret).unwrap());
    }

    /// Nothing of the swapped record was applied.
    pub fn assert_nothing_smuggled(&self) {
        let all = self.kubectl(&["get", "configmaps", "-o", "name"]);
        assert!(!all.lines().any(|name| name == format!("configmap/{SMUGGLED}")), "the swapped record was applied");
    }
}
