//! Deletes what nothing refers to any more: old ended rollouts, and the records, versioned copies and HA backups of revisions that are
//! not kept. Savepoints and checkpoints on disk are never deleted.
//!
//! What goes is decided by a pure function (`surplus.rs`). Whatever is not understood stays.

mod delete;
mod inventory;
mod read;
mod surplus;

use std::{fmt::Write as _, time::Duration};

use kube::{Client, ResourceExt};

use crate::text::error_chain;
use delete::delete_surplus;
use read::read_inventories;
use surplus::{Surplus, find_surplus};

/// A bot that has just started has more urgent things to read.
const FIRST_PASS: Duration = Duration::from_secs(300);
const INTERVAL: Duration = Duration::from_secs(3600);
/// kube's client has no timeout of its own.
const PASS_TIMEOUT: Duration = Duration::from_secs(900);

/// Deletes the surplus of a namespace once an hour, for ever. Only the holder of the lease may run it.
pub(crate) async fn keep_pruned(client: Client, namespace: String) {
    let mut pause = FIRST_PASS;
    loop {
        tokio::time::sleep(pause).await;
        pause = INTERVAL;
        match tokio::time::timeout(PASS_TIMEOUT, prune(&client, &namespace)).await {
            Ok(Ok(0)) => {}
            Ok(Ok(deleted)) => {
                tracing::info!(namespace, deleted, "deleted old rollouts and objects that no kept revision needs");
            }
            Ok(Err(error)) => {
                tracing::warn!(
                    namespace,
                    error = error_chain(&error),
                    "old objects could not be deleted: it is tried again in an hour"
                );
            }
            Err(_) => tracing::warn!(namespace, "old objects were not deleted in time: it is tried again in an hour"),
        }
    }
}

/// Deletes the surplus of a namespace once. Returns the number of deleted objects.
pub async fn prune(client: &Client, namespace: &str) -> kube::Result<usize> {
    let mut deleted = 0;
    for inventory in read_inventories(client, namespace).await? {
        deleted += delete_surplus(client, namespace, &find_surplus(&inventory)).await;
    }
    Ok(deleted)
}

/// Lists what [`prune`] would delete, as text for people. Deletes nothing.
pub async fn list_surplus(client: &Client, namespace: &str) -> kube::Result<String> {
    let mut text = String::new();
    for inventory in read_inventories(client, namespace).await? {
        let application = inventory.application.name_any();
        _ = writeln!(text, "{application}:\n{}", describe(&find_surplus(&inventory)));
    }
    if text.is_empty() {
        _ = writeln!(text, "there is no FlinkApplication in namespace {namespace}");
    }
    Ok(text)
}

fn describe(surplus: &Surplus<'_>) -> String {
    let mut lines: Vec<String> = surplus
        .rollouts
        .iter()
        .map(|rollout| {
            let status = rollout.status.as_ref();
            let phase = status.map_or("", |status| status.phase.as_str());
            format!("  FlinkRollout {} and its -slack ConfigMap ({phase})", rollout.name_any())
        })
        .collect();
    lines.extend(
        surplus
            .objects
            .iter()
            .map(|object| format!("  {} {} (revision {} is not kept)", object.kind.kind(), object.name, object.number)),
    );
    if lines.is_empty() {
        lines.push("  nothing to delete".to_owned());
    }
    lines.extend(surplus.objects_stay.iter().map(|why| format!("  records, copies and backups stay: {why}")));
    lines.join("\n")
}
