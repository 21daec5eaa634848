//! Cache keys: the hash of all inputs of a build.

use std::fs;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::hash::hex;

/// A hash of named inputs, in the order in which they were added.
#[derive(Clone)]
pub(super) struct Key(Sha256);

impl Key {
    /// Starts the key of a build of this kind.
    pub(super) fn new(kind: &str) -> Self {
        Self(Sha256::new()).with("kind", kind)
    }

    /// Adds an input. Lengths are hashed too, so that two different lists never give the same bytes.
    pub(super) fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        for part in [name.as_bytes(), value.as_ref()] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
        self
    }

    /// Adds the content of a file, or of every file in a folder with its relative path.
    pub(super) fn with_path(self, name: &str, path: &Path) -> Result<Self> {
        if !path.is_dir() {
            let content = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            return Ok(self.with(name, content));
        }
        let mut key = self;
        for entry in sorted_names(path)? {
            key = key.with_path(&format!("{name}/{entry}"), &path.join(&entry))?;
        }
        Ok(key)
    }

    /// The key as 16 hexadecimal digits.
    pub(super) fn name(&self) -> String {
        hex(&self.0.clone().finalize())[..16].to_owned()
    }
}

/// The names in a folder, in byte order.
pub(super) fn sorted_names(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let name = entry?.file_name().into_string();
        names.push(
            name.map_err(|name| {
                anyhow::anyhow!("a file name in {} is not text: {}", folder.display(), name.display())
            })?,
        );
    }
    names.sort_unstable();
    Ok(names)
}

/// The SHA-256 of a file, as 64 hex digits.
pub(super) fn file_sha256(path: &Path) -> Result<String> {
    let mut file = fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer).with_context(|| format!("cannot read {}", path.display()))?;
        if read == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(&buffer[..read]);
    }
}

/// The lines of a list file, without comments and blank lines.
pub(super) fn read_lines(path: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(parts: &[(&str, &str)]) -> String {
        parts.iter().fold(Key::new("test"), |key, (name, value)| key.with(name, value)).name()
    }

    #[test]
    fn every_change_of_an_input_changes_the_key() {
        let names = [
            key(&[("a", "1"), ("b", "2")]),
            key(&[("a", "1"), ("b", "3")]),
            key(&[("a", "1b"), ("", "2")]),
            key(&[("b", "2"), ("a", "1")]),
            key(&[("a", "1")]),
        ];
        let different: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(different.len(), names.len());
        assert_eq!(names[0], key(&[("a", "1"), ("b", "2")]));
    }

    #[test]
    fn the_key_of_a_folder_depends_on_names_and_contents_at_any_depth() {
        let folder = std::env::temp_dir().join(format!("xtask-inputs-{}", std::process::id()));
        fs::create_dir_all(folder.join("deep")).unwrap();
        fs::write(folder.join("deep/file"), "one").unwrap();
        let name = || Key::new("test").with_path("folder", &folder).unwrap().name();
        let first = name();
        fs::write(folder.join("deep/file"), "two").unwrap();
        let changed = name();
        fs::rename(folder.join("deep/file"), folder.join("deep/other")).unwrap();
        let renamed = name();
        fs::remove_dir_all(&folder).unwrap();
        assert!(first != changed && changed != renamed);
    }
}
