//! Compares state paths. Flink returns `file:/x` for a path that was given as `file:///x` (measured on 2.2.1).

/// Whether two paths are the same path for Flink.
#[must_use]
pub fn same_path(left: &str, right: &str) -> bool {
    normalize(left) == normalize(right)
}

fn normalize(path: &str) -> String {
    let path = path.trim().trim_end_matches('/');
    let rest = path.strip_prefix("file:").unwrap_or(path);
    if let Some((scheme, rest)) = path.split_once(":///").filter(|(scheme, _)| *scheme != "file") {
        // Java prints a URI that has no authority with only one slash.
        return format!("{scheme}:/{}", rest.trim_start_matches('/'));
    }
    if path.starts_with('/') || path.starts_with("file:") {
        format!("/{}", rest.trim_start_matches('/'))
    } else {
        path.to_owned()
    }
}

/// Reads the savepoint's path from the message of a job that failed while it stopped.
///
/// Flink 1.15 to 2.2 write "A savepoint has been created at: PATH, but ..." (`StopWithSavepointStoppingException`).
#[must_use]
pub fn path_in_message(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("A savepoint has been created at: ")?;
    let (path, _) = rest.split_once(", but")?;
    Some(path.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_slashes_after_the_scheme_does_not_matter() {
        assert!(same_path("file:///data/sp-1", "file:/data/sp-1"));
        assert!(same_path("/data/sp-1/", "file:/data/sp-1"));
        assert!(same_path("hdfs:///sp/1", "hdfs:/sp/1"));
        assert!(!same_path("hdfs://a/sp", "hdfs://b/sp"));
        assert!(!same_path("file:/data/sp-1", "file:/data/sp-2"));
        assert!(!same_path("s3://data/sp-1", "/data/sp-1"));
    }

    #[test]
    fn the_message_of_a_job_that_failed_while_stopping_contains_the_path() {
        let message =
            "A savepoint has been created at: s3://b/sp-1, but the corresponding job 00 failed during stopping.";
        assert_eq!(path_in_message(message), Some("s3://b/sp-1"));
        assert_eq!(path_in_message("Checkpoint expired before completing."), None);
    }
}
