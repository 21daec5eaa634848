//! The folders that the commands use: this checkout, the user's cache, and the state of this checkout's sandbox.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::hash::short_hash;

/// The maximum length of the state folder's path. Linux allows 107 bytes for the path of a socket below it.
const MAX_STATE_PATH: usize = 80;

/// The folders that the commands use, all absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The project's sources.
    pub checkout: PathBuf,
    /// Finished builds, shared by all checkouts of this user.
    pub cache: PathBuf,
    /// The files of this checkout's sandbox.
    pub state: PathBuf,
    /// The sandbox's name on the machine, for example of its cgroup: `lockkeeper-<hash of the state folder's path>`.
    pub name: String,
}

impl Paths {
    /// Finds the folders of the checkout that this program was built from. `LOCKKEEPER_CACHE` sets another cache folder.
    pub fn for_this_checkout() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let checkout = manifest.parent().context("xtask has no folder above it")?;
        let checkout = fs::canonicalize(checkout).with_context(|| {
            format!("the checkout {} does not exist any more; build xtask again in the new place", checkout.display())
        })?;
        Self::new(&checkout, &find_cache_folder(|name| env::var(name).ok())?)
    }

    fn new(checkout: &Path, cache: &Path) -> Result<Self> {
        let hash = short_hash(checkout.as_os_str().as_encoded_bytes());
        let state = cache.join("checkouts").join(&hash);
        if state.as_os_str().len() > MAX_STATE_PATH {
            bail!(
                "the cache folder's path is too long for the sockets below it: {} has more than {MAX_STATE_PATH} bytes. \
                 Set LOCKKEEPER_CACHE to a shorter one",
                state.display()
            );
        }
        let name = format!("lockkeeper-{}", short_hash(state.as_os_str().as_encoded_bytes()));
        Ok(Self { checkout: checkout.into(), cache: cache.into(), state, name })
    }

    /// The sample application's chart.
    #[must_use]
    pub fn chart(&self) -> PathBuf {
        self.checkout.join("sandbox/chart")
    }

    /// The Go module with the parts of Kubernetes.
    #[must_use]
    pub fn kubernetes(&self) -> PathBuf {
        self.checkout.join("sandbox/kubernetes")
    }
}

/// Finds the cache folder from environment variables.
fn find_cache_folder(variable: impl Fn(&str) -> Option<String>) -> Result<PathBuf> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("LOCKKEEPER_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("lockkeeper")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/lockkeeper")))
        .context("neither LOCKKEEPER_CACHE nor HOME is set, so there is no cache folder; set LOCKKEEPER_CACHE to an absolute path")?;
    if folder.is_relative() {
        bail!(
            "the cache folder {} is relative; LOCKKEEPER_CACHE and XDG_CACHE_HOME must be absolute",
            folder.display()
        );
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn the_cache_follows_the_most_specific_variable() {
        let all = [("LOCKKEEPER_CACHE", "/c"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")];
        for (count, expected) in [(0, "/c"), (1, "/x/lockkeeper"), (2, "/h/.cache/lockkeeper")] {
            assert_eq!(find_cache_folder(environment(&all[count..])).unwrap(), Path::new(expected));
        }
    }

    #[test]
    fn an_empty_variable_counts_as_unset_and_a_relative_one_is_refused() {
        let empty = [("LOCKKEEPER_CACHE", ""), ("HOME", "/h")];
        assert_eq!(find_cache_folder(environment(&empty)).unwrap(), Path::new("/h/.cache/lockkeeper"));
        let relative = find_cache_folder(environment(&[("LOCKKEEPER_CACHE", "here")])).unwrap_err();
        assert!(relative.to_string().contains("must be absolute"), "{relative}");
    }

    #[test]
    fn two_checkouts_share_the_cache_and_nothing_else() {
        let cache = Path::new("/c");
        let (one, two) = (Paths::new(Path::new("/a"), cache).unwrap(), Paths::new(Path::new("/b"), cache).unwrap());
        assert_eq!(one.cache, two.cache);
        assert_ne!(one.state, two.state);
        assert_ne!(one.name, two.name);
        assert_eq!(one, Paths::new(Path::new("/a"), cache).unwrap());
    }

    #[test]
    fn a_path_too_long_for_sockets_is_refused_and_the_message_says_what_to_set() {
        let error = Paths::new(Path::new("/a"), &Path::new("/").join("x".repeat(100))).unwrap_err();
        assert!(error.to_string().contains("Set LOCKKEEPER_CACHE"), "{error}");
    }
}
