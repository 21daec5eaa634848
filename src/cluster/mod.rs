//! Reads and writes the Kubernetes objects of an application: Deployments, `ReplicaSets`, pods and HA `ConfigMaps`.

mod autoscaler;
mod containers;
mod content;
mod diagnosis;
mod field_owners;
mod ha;
mod image_pull;
mod object;
mod ownership;
mod read_workload;
mod readable;
mod template;
mod warnings;
mod workload;
mod write;
mod write_error;

pub(crate) use autoscaler::{Autoscaler, read_autoscalers};
pub(crate) use containers::{flink_container, is_standalone_job};
pub(crate) use content::{encode_secret_text, same_content};
pub(crate) use diagnosis::{ContainerEnd, PodSign, find_end, has_started_pod, is_end_by_flink, pod_signs};
pub(crate) use ha::{
    HaConfigMaps, Leader, backup_name, build_backup, is_any_backup_name, is_any_ha_name, is_backup_name,
};
pub(crate) use object::{
    DEPLOYMENT, api_resource, describe, group_of, is_named, is_workload, kind_of, pod_template, pod_template_mut,
    same_object,
};
pub use read_workload::read_workloads;
pub(crate) use readable::{list_readable, watch_readable};
pub(crate) use template::template_digest;
pub(crate) use workload::{PodsGone, Workload, pod_addresses};
pub use write::Writer;
pub(crate) use write_error::{WriteError, classify};
