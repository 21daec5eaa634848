//! What Lockkeeper reads and writes of an application's cluster: Deployments, `ReplicaSets`, pods and HA `ConfigMaps`.

mod autoscaler;
mod content;
mod diagnosis;
mod ha;
mod object;
mod template;
mod workload;
mod write;
mod write_error;

pub use autoscaler::{Autoscaler, read_autoscalers};
pub use content::{encoded, same_content};
pub use diagnosis::{PodFailure, pod_failure};
pub use ha::{HaConfigMaps, backup_name, backup_of, is_ha_name};
pub use object::{
    DEPLOYMENT, api_resource, describe, is_named, is_workload, kind_of, pod_template, pod_template_mut, same_object,
};
pub use template::template_digest;
pub use workload::{PodsGone, Workload, read_workload};
pub use write::Writer;
pub use write_error::{WriteError, classify};
