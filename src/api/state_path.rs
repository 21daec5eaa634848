//! Paths of savepoints and checkpoints. Flink writes them in its own way: `file:///x` goes in and `file:/x` comes back (seen on 2.2.1).

use std::{fmt, ops::Deref};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Path of a savepoint or a checkpoint as Flink knows it, such as `s3://bucket/savepoints/savepoint-a3f1c2-0123456789ab`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(transparent)]
pub struct StatePath(String);

impl StatePath {
    /// The path as a text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both paths name the same place.
    #[must_use]
    pub fn is_same_place(&self, other: &Self) -> bool {
        same_path(self, other)
    }

    /// Whether this is a folder directly in `directory`.
    #[must_use]
    pub fn is_directly_in(&self, directory: &str) -> bool {
        self.rsplit_once('/').is_some_and(|(parent, _)| same_path(parent, directory))
    }
}

impl From<String> for StatePath {
    fn from(path: String) -> Self {
        Self(path)
    }
}

impl From<&str> for StatePath {
    fn from(path: &str) -> Self {
        Self(path.to_owned())
    }
}

impl Deref for StatePath {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StatePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether two of Flink's paths name the same place.
#[must_use]
pub fn same_path(left: &str, right: &str) -> bool {
    normalise(left) == normalise(right)
}

fn normalise(path: &str) -> String {
    let path = path.trim().trim_end_matches('/');
    let rest = path.strip_prefix("file:").unwrap_or(path);
    if let Some((scheme, rest)) = path.split_once(":///").filter(|(scheme, _)| *scheme != "file") {
        // Java prints a URI without an authority with one slash.
        return format!("{scheme}:/{}", rest.trim_start_matches('/'));
    }
    if path.starts_with('/') || path.starts_with("file:") {
        format!("/{}", rest.trim_start_matches('/'))
    } else {
        path.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_after_file_do_not_matter() {
        assert!(same_path("file:///data/sp-1", "file:/data/sp-1"));
        assert!(same_path("/data/sp-1/", "file:/data/sp-1"));
        assert!(same_path("hdfs:///sp/1", "hdfs:/sp/1"));
        assert!(!same_path("hdfs://a/sp", "hdfs://b/sp"));
        assert!(!same_path("file:/data/sp-1", "file:/data/sp-2"));
        assert!(!same_path("s3://data/sp-1", "/data/sp-1"));
    }
}
