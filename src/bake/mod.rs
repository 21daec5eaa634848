//! Renders a chart with a version into the exact objects that a rollout applies, and checks and compares them.

mod arguments;
mod diff;
mod flink_options;
mod helm;
mod policy;
mod references;
mod secret_values;
mod versioned;

pub use arguments::without_start;
pub(crate) use arguments::{ArgumentError, Start, check_arguments, set_start};
pub(crate) use diff::{changes, differing_fields};
pub(crate) use flink_options::flink_option;
pub(crate) use helm::with_version;
pub use helm::{BakeError, Confinement, Helm, Release, Renderer, become_helm};
pub(crate) use policy::{PolicyContext, find_violations};
pub(crate) use references::{Referenced, references, required_references, rewrite_references};
pub(crate) use secret_values::{known_secrets, secrets_in_values};
pub(crate) use versioned::{BASE_NAME_ANNOTATION, apply_versioned_names, copy_as, versioned_name};
