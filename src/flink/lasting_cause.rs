//! Which causes in the log of a `JobManager` do not go away by themselves.

/// Parts of the messages of Flink 1.15 to 2.2 for causes that another start of the same container meets again.
const LASTING: [&str; 13] = [
    // The state does not fit.
    "Cannot map checkpoint/savepoint state",
    "Max parallelism mismatch",
    // There is no main class.
    "ClassNotFoundException",
    "entry point class",
    "No main class",
    // An option is not known.
    "FlinkParseException",
    "UnrecognizedOptionException",
    "MissingArgumentException",
    "MissingOptionException",
    // The configuration cannot be read.
    "DuplicateKeyException",
    "Error parsing YAML",
    // The savepoint is not there.
    "Cannot find checkpoint or savepoint",
    "Cannot find meta data file",
];

/// Whether a cause does not go away by itself. Every other end of a `JobManager` may be the last one.
#[must_use]
pub fn is_lasting_cause(cause: &str) -> bool {
    LASTING.iter().any(|part| cause.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_of_the_surroundings_may_go_away() {
        for lasting in [
            "java.lang.IllegalStateException: Failed to rollback to checkpoint/savepoint file:/sp. Cannot map checkpoint/savepoint state for operator 7",
            "java.lang.ClassNotFoundException: com.example.Orders",
            "java.io.FileNotFoundException: Cannot find checkpoint or savepoint file/directory 'file:/sp/1' on file system 'file'.",
        ] {
            assert!(is_lasting_cause(lasting), "{lasting}");
        }
        for passing in [
            "java.net.ConnectException: Connection refused",
            "java.net.UnknownHostException: s3.example",
            "java.lang.OutOfMemoryError: Metaspace",
        ] {
            assert!(!is_lasting_cause(passing), "{passing}");
        }
    }
}
