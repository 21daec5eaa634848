//! Keeps the status of a rollout small. etcd stores every version of it, and every watcher receives it.

use crate::{api::FlinkRolloutStatus, text::truncate};

/// In bytes of JSON.
const MAX_SIZE: usize = 32 * 1024;
/// In characters. What happened long ago is told in short.
const SHORT: usize = 80;
/// The newest stages and operations are told whole.
const WHOLE: usize = 4;

/// The same status. If it is too large, the texts of earlier operations and stages are shortened.
pub(super) fn fit(status: &FlinkRolloutStatus) -> FlinkRolloutStatus {
    let mut status = status.clone();
    for shorten in [shorten_operations, shorten_stages] {
        if size_of(&status) <= MAX_SIZE {
            break;
        }
        shorten(&mut status);
    }
    status
}

fn size_of(status: &FlinkRolloutStatus) -> usize {
    serde_json::to_vec(status).map_or(0, |text| text.len())
}

fn shorten_operations(status: &mut FlinkRolloutStatus) {
    let old = status.operations.len().saturating_sub(WHOLE);
    for operation in &mut status.operations[..old] {
        operation.last_error = operation.last_error.as_deref().map(|text| truncate(text, SHORT));
    }
}

fn shorten_stages(status: &mut FlinkRolloutStatus) {
    let old = status.stages.len().saturating_sub(WHOLE);
    for stage in &mut status.stages[..old] {
        stage.evidence = truncate(&stage.evidence, SHORT);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn status(stages: usize, operations: usize) -> FlinkRolloutStatus {
        let (at, long) = ("2026-01-01T12:00:00Z", "x".repeat(1000));
        let stage = json!({"stage": "Verify", "direction": "Forward", "startedAt": at, "endedAt": at, "outcome": "Failed", "evidence": long});
        let operation =
            json!({"name": "back/12/write-workloads", "id": "0".repeat(32), "startedAt": at, "lastError": long});
        serde_json::from_value(json!({"stages": vec![stage; stages], "operations": vec![operation; operations]}))
            .unwrap()
    }

    #[test]
    fn a_long_history_is_told_in_short_and_its_end_whole() {
        let usual = status(10, 5);
        assert_eq!(fit(&usual), usual, "a usual rollout keeps all its texts");
        let long = status(48, 60);
        let fitted = fit(&long);
        assert!(size_of(&fitted) <= MAX_SIZE, "{} bytes", size_of(&fitted));
        assert_eq!((fitted.stages.len(), fitted.operations.len()), (48, 60), "nothing is left out");
        assert_eq!((fitted.stages.last(), fitted.operations.last()), (long.stages.last(), long.operations.last()));
        assert_eq!(fit(&fitted), fitted);
    }
}
