//! The path in a message of Flink.

use crate::api::StatePath;

/// The savepoint in Flink's message about a job that failed while stopping: "A savepoint has been created at: PATH, but ..."
/// (`StopWithSavepointStoppingException`, Flink 1.15 to 2.2).
#[must_use]
pub fn path_in_message(message: &str) -> Option<StatePath> {
    let (_, rest) = message.split_once("A savepoint has been created at: ")?;
    let (path, _) = rest.split_once(", but")?;
    Some(path.trim().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_of_a_stop_that_failed_late() {
        let message =
            "A savepoint has been created at: s3://b/sp-1, but the corresponding job 00 failed during stopping.";
        assert_eq!(path_in_message(message), Some("s3://b/sp-1".into()));
        assert_eq!(path_in_message("Checkpoint expired before completing."), None);
    }
}
