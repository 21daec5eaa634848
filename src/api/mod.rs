//! The two kinds Lockkeeper keeps its record in: `FlinkApplication` and `FlinkRollout`, group `lockkeeper.dev/v1alpha1`.
//!
//! The YAML in manifests/ is generated from these types by `cargo xtask manifests`; a test fails on drift.

#![warn(missing_docs)] // the text of these types reaches the readers of the CRDs

mod application;
mod component;
mod decision;
mod halt;
mod job_id;
mod leadership;
mod person;
mod plan;
mod reference;
mod restore_point;
mod rollout;
mod stage;
mod start_from;
mod started_job;
mod state_path;
mod status;
mod time;

pub use application::*;
pub use component::*;
pub use decision::*;
pub use halt::*;
pub use job_id::*;
pub use leadership::*;
pub use person::*;
pub use plan::*;
pub use reference::reference_as_markdown;
pub use restore_point::*;
pub use rollout::*;
pub use stage::*;
pub use start_from::*;
pub use started_job::*;
pub use state_path::*;
pub use status::*;
pub use time::{Time, time};

/// The API group of both kinds, and the prefix of our labels, annotations and finalizers.
pub const GROUP: &str = "lockkeeper.dev";

/// Finalizer of an active rollout: deleting it is an abort before the stop and a roll back after it.
pub const ROLLOUT_FINALIZER: &str = "lockkeeper.dev/rollout";

/// Finalizer of an application while a rollout of it is active: it goes once that has ended.
pub const APPLICATION_FINALIZER: &str = "lockkeeper.dev/application";

/// Label on every object made for an application: its name.
pub const APPLICATION_LABEL: &str = "lockkeeper.dev/application";

/// Label on every object made for a revision: its number, three digits or more.
pub const REVISION_LABEL: &str = "lockkeeper.dev/revision";

/// Type of the Secret that holds a revision record.
pub const REVISION_TYPE: &str = "lockkeeper.dev/revision";

/// Annotation on both Deployments: the rollout that last wrote them.
pub const ROLLOUT_ANNOTATION: &str = "lockkeeper.dev/rollout";

/// Annotation on both Deployments: path of the restore point of the rollout that last wrote them.
pub const RESTORE_POINT_ANNOTATION: &str = "lockkeeper.dev/restore-point";

/// Annotation on both Deployments: the live replica count before the rollout, which `ReplicaSets` do not keep.
pub const PREVIOUS_REPLICAS_ANNOTATION: &str = "lockkeeper.dev/previous-replicas";

/// Annotation on both Deployments: the `ReplicaSet` that owned the live pods before the rollout.
pub const PREVIOUS_REPLICASET_ANNOTATION: &str = "lockkeeper.dev/previous-replicaset";

/// Both custom resource definitions as the YAML of manifests/crds.yaml.
///
/// # Errors
/// If a definition cannot be written as YAML.
pub fn crds_as_yaml() -> Result<String, serde_saphyr::ser::Error> {
    use kube::CustomResourceExt as _;
    let mut text = "# Generated from src/api by `cargo xtask manifests`. Do not edit.\n".to_owned();
    for crd in [FlinkApplication::crd(), FlinkRollout::crd()] {
        text.push_str("---\n");
        let mut crd = serde_json::to_value(&crd).unwrap_or_default();
        without_unknown_formats(&mut crd);
        text.push_str(&serde_saphyr::to_string(&crd)?);
    }
    Ok(text)
}

/// The API server warns about the formats of Rust's unsigned numbers; their minimum of 0 says the same.
fn without_unknown_formats(schema: &mut serde_json::Value) {
    match schema {
        serde_json::Value::Object(fields) => {
            if fields.get("format").and_then(|format| format.as_str()).is_some_and(|format| format.starts_with("uint"))
            {
                fields.remove("format");
            }
            fields.values_mut().for_each(without_unknown_formats);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(without_unknown_formats),
        _ => {}
    }
}
