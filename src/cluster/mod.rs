//! What Lockkeeper reads and writes of an application's cluster: Deployments, `ReplicaSets`, pods and HA `ConfigMaps`.

mod autoscaler;
mod content;
mod diagnosis;
mod digest;
mod ha;
mod workload;
mod write;

pub use autoscaler::{Autoscaler, read_autoscalers};
pub use content::{encoded, same_content};
pub use diagnosis::{PodTrouble, trouble_of};
pub use digest::{digest_of, template_digest};
pub use ha::{HaConfigMaps, backup_name, backup_of, is_ha_name};
pub use workload::{PodsGone, Workload, read_workload};
pub(crate) use write::classified;
pub use write::{WriteError, Writer};
