//! Writes a docker-archive with several images. `manifest.json` names each image's configuration and layers. A layer that
//! several images share is stored once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::key::file_sha256;
use super::layer::{self, FLINK_USER};
use crate::hash::hex;

/// Increase this number when archives are written differently, so that cached ones are built again.
pub(super) const FORMAT: &str = "1";

/// One image of the archive.
pub(super) struct Image {
    /// The full name with the version.
    pub(super) tag: String,
    /// The layers as tar files, lowest first.
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
                let digest = file_sha256(path)?;
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read;

    use super::*;

    /// Writes an archive of two images over one common layer, and reads its files back.
    fn write_and_read_back(folder: &Path) -> Vec<(String, Vec<u8>)> {
        let root = folder.join("root");
        fs::create_dir_all(root.join("tmp")).unwrap();
        fs::write(root.join("file"), "base").unwrap();
        std::os::unix::fs::symlink("file", root.join("link")).unwrap();
        let (base, top) = (folder.join("base.tar"), folder.join("top.tar"));
        layer::write_folder(&base, &root).unwrap();
        layer::write_file(&top, "opt/job.jar", &root.join("file")).unwrap();
        let images = [
            Image { tag: "sandbox.invalid/a:1".into(), layers: vec![base.clone(), top] },
            Image { tag: "sandbox.invalid/a:2".into(), layers: vec![base] },
        ];
        let archive = folder.join("archive.tar");
        write(&archive, &images).unwrap();
        let mut tar = tar::Archive::new(fs::File::open(&archive).unwrap());
        let entries = tar.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (entry.path().unwrap().display().to_string(), content)
        });
        entries.collect()
    }

    fn with_folder<T>(name: &str, test: impl Fn(&Path) -> T) -> T {
        let folder = std::env::temp_dir().join(format!("xtask-archive-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let result = test(&folder);
        fs::remove_dir_all(&folder).unwrap();
        result
    }

    #[test]
    fn a_shared_layer_is_stored_once_and_every_file_is_named_by_its_hash() {
        let files = with_folder("shared", write_and_read_back);
        let (name, manifest) = files.last().unwrap();
        assert_eq!(name, "manifest.json");
        let manifest: Value = serde_json::from_slice(manifest).unwrap();
        assert_eq!(manifest[0]["RepoTags"][0], "sandbox.invalid/a:1");
        assert_eq!(manifest[0]["Layers"][0], manifest[1]["Layers"][0]);
        // The files are two layers, two configurations and the manifest.
        assert_eq!(files.len(), 5);
        for (name, content) in &files[..4] {
            let (hash, _) = name.split_once('.').unwrap();
            assert_eq!(hash, hex(&Sha256::digest(content)), "{name}");
        }
    }

    #[test]
    fn the_same_files_give_the_same_archive() {
        assert_eq!(with_folder("first", write_and_read_back), with_folder("second", write_and_read_back));
    }

    #[test]
    fn a_layer_keeps_links_and_the_open_modes_of_temporary_folders() {
        let entries = with_folder("modes", |folder| {
            write_and_read_back(folder);
            let mut tar = tar::Archive::new(fs::File::open(folder.join("base.tar")).unwrap());
            let entries = tar.entries().unwrap().map(|entry| {
                let entry = entry.unwrap();
                let link = entry.link_name().unwrap().map(|link| link.display().to_string());
                (entry.path().unwrap().display().to_string(), entry.header().mode().unwrap(), link)
            });
            entries.collect::<Vec<_>>()
        });
        let wanted = [("file", 0o644, None), ("link", 0o777, Some("file".to_owned())), ("tmp", 0o1777, None)];
        assert_eq!(entries, wanted.map(|(path, mode, link)| (path.to_owned(), mode, link)));
    }
}
