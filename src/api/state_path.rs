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

    /// Whether this is a folder directly in a folder that is named like `directory`.
    ///
    /// The names of the folders above do not count, because Flink qualifies and rewrites them (entropy keys of S3, for example). So
    /// `directory` must have a name that is unique, as the directory of a rollout has.
    #[must_use]
    pub fn is_in_folder_named_like(&self, directory: &str) -> bool {
        let (own, directory) = (Parts::of(self), Parts::of(directory));
        let parent = own.names.iter().rev().nth(1);
        parent.is_some() && parent == directory.names.last()
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
///
/// Flink qualifies a path: it adds the scheme and the authority that its configuration says, and removes `//`, `.` and `..`. So a scheme
/// or an authority that only one of the paths has does not count. A path may also name the `_metadata` file in its folder.
#[must_use]
pub fn same_path(left: &str, right: &str) -> bool {
    let (left, right) = (Parts::of(left), Parts::of(right));
    left.names == right.names && agree(left.scheme, right.scheme) && agree(left.authority, right.authority)
}

/// The part of a path below a folder, without a slash at either end; none if the path is not in that folder.
#[must_use]
pub fn path_below(folder: &str, path: &str) -> Option<String> {
    let (folder, path) = (Parts::of(folder), Parts::of(path));
    let agree = agree(folder.scheme, path.scheme) && agree(folder.authority, path.authority);
    path.names.strip_prefix(folder.names.as_slice()).filter(|_| agree).map(|names| names.join("/"))
}

/// Whether two schemes or authorities can be the same. Flink adds the one that a path does not name.
fn agree(left: Option<&str>, right: Option<&str>) -> bool {
    left.is_none() || right.is_none() || left == right
}

/// The parts of a path, as `scheme://authority/names`.
struct Parts<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    names: Vec<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(path: &'a str) -> Self {
        let path = path.trim();
        let scheme = path.split_once(':').filter(|(scheme, _)| !scheme.is_empty() && !scheme.contains('/'));
        let (scheme, rest) = scheme.map_or((None, path), |(scheme, rest)| (Some(scheme), rest));
        let with_authority = rest.strip_prefix("//").filter(|rest| !rest.starts_with('/')).filter(|_| scheme.is_some());
        let (authority, rest) = match with_authority {
            Some(rest) => {
                (Some(rest.split('/').next().unwrap_or_default()), rest.split_once('/').map_or("", |(_, rest)| rest))
            }
            None => (None, rest),
        };
        let mut names = Vec::new();
        for name in rest.split('/').filter(|name| !name.is_empty() && *name != ".") {
            if name == ".." {
                names.pop();
            } else {
                names.push(name);
            }
        }
        if names.last() == Some(&"_metadata") {
            names.pop();
        }
        Self { scheme, authority, names }
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

    #[test]
    fn a_savepoint_is_recognised_by_the_folder_of_its_rollout() {
        let own =
            |path: &str| StatePath::from(path).is_in_folder_named_like("s3://bucket/_entropy_/sp/orders-1-0a1b2c3d");
        assert!(own("s3://bucket/f3a9/sp/orders-1-0a1b2c3d/savepoint-1"));
        assert!(own("s3://bucket/sp/orders-1-0a1b2c3d/savepoint-1/"));
        assert!(!own("s3://bucket/sp/orders-2-0a1b2c3d/savepoint-1"));
        assert!(!own("s3://bucket/sp/orders-1-0a1b2c3d"));
        assert!(!own("savepoint-1"));
    }

    #[test]
    fn a_path_below_a_folder_is_found_by_its_parts() {
        for (folder, path, below) in [
            ("file:/data", "file:///data/savepoints/r-1", Some("savepoints/r-1")),
            ("file:///data/", "file:/data//savepoints", Some("savepoints")),
            ("file://", "file:///data/savepoints", Some("data/savepoints")),
            ("/data/savepoints", "file:///data/savepoints", Some("")),
            ("file:/data/save", "file:/data/savepoints", None),
            ("file:/other", "file:/data/savepoints", None),
            ("file:/data", "s3://data/savepoints", None),
        ] {
            assert_eq!(path_below(folder, path).as_deref(), below, "{folder} {path}");
        }
    }

    #[test]
    fn a_path_that_flink_qualified_is_the_same_place() {
        for (given, qualified) in [
            ("hdfs:///flink/sp/1", "hdfs://nn:8020/flink/sp/1"),
            ("/flink/sp/1", "hdfs://nn:8020/flink/sp/1"),
            ("s3://bucket//sp/1", "s3://bucket/sp/1"),
            ("s3://bucket/a//b/1/", "s3://bucket/a/b/1"),
            ("file:///data//savepoints/1", "file:/data/savepoints/1"),
            ("file:/data/./x/../sp/1", "file:/data/sp/1"),
            ("s3://bucket/sp/1/_metadata", "s3://bucket/sp/1"),
        ] {
            assert!(same_path(given, qualified), "{given} {qualified}");
        }
        for (left, right) in [
            ("s3://a/sp/1", "s3://b/sp/1"),
            ("s3://bucket/sp/1", "gs://bucket/sp/1"),
            ("hdfs:///flink/sp/1", "hdfs://nn:8020/flink/sp/2"),
            ("file:/data/sp/1", "hdfs:/data/sp/1"),
        ] {
            assert!(!same_path(left, right), "{left} {right}");
        }
    }
}
