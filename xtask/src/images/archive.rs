//! A docker-archive with several images: `manifest.json` names each image's configuration and layers; a layer that
//! several images share is in it once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::inputs::{hex, sha256};
use super::layer::{self, FLINK_USER};

/// Goes up when archives are written in another way.
pub(super) const FORMAT: &str = "1";

/// One image of the archive.
pub(super) struct Image {
    /// Its whole name, with the version.
    pub(super) tag: String,
    /// Its layers as tar files, the lowest first.
    pub(super) layers: Vec<PathBuf>,
}

/// Writes all images into one archive.
pub(super) fn write(archive: &Path, images: &[Image]) -> Result<()> {
    let mut tar = layer::create(archive)?;
    let mut digests: HashMap<&Path, String> = HashMap::new();
    let mut manifest = Vec::new();
    for image in images {
        for path in &image.layers {
            if !digests.contains_key(path.as_path()) {
                let digest = sha256(path)?;
                tar.append_path_with_name(path, file_name(&digest))
                    .with_context(|| format!("cannot pack {}", path.display()))?;
                digests.insert(path, digest);
            }
        }
        let layers: Vec<&String> = image.layers.iter().map(|path| &digests[path.as_path()]).collect();
        let config = serde_json::to_vec(&configuration(&layers))?;
        let config_name = format!("{}.json", hex(&Sha256::digest(&config)));
        layer::add_bytes(&mut tar, &config_name, &config)?;
        let files: Vec<String> = layers.iter().map(|digest| file_name(digest)).collect();
        manifest.push(json!({"Config": config_name, "RepoTags": [image.tag], "Layers": files}));
    }
    layer::add_bytes(&mut tar, "manifest.json", &serde_json::to_vec(&manifest)?)?;
    layer::finish(tar, archive)
}

fn file_name(digest: &str) -> String {
    format!("{digest}.tar")
}

fn configuration(layers: &[&String]) -> Value {
    let ids: Vec<String> = layers.iter().map(|digest| format!("sha256:{digest}")).collect();
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    json!({
        "architecture": architecture,
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {
            "User": FLINK_USER.to_string(),
            "Env": [
                "PATH=/opt/flink/bin:/opt/java/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "JAVA_HOME=/opt/java",
                "FLINK_HOME=/opt/flink",
                "LANG=C.UTF-8",
            ],
            "Entrypoint": ["/docker-entrypoint.sh"],
            "WorkingDir": "/opt/flink",
        },
        "rootfs": {"type": "layers", "diff_ids": ids},
    })
}
