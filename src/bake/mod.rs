//! From a chart and a version to the exact objects that will be applied: rendering, versioned names, the argument contract, diff.

mod arguments;
mod diff;
mod flink_options;
mod helm;
mod policy;
mod references;
mod versioned;

pub use arguments::without_start;
pub(crate) use arguments::{ArgumentError, Start, lint_arguments, set_start};
pub(crate) use diff::{changes, differing_fields};
pub(crate) use flink_options::flink_option;
pub(crate) use helm::{Helm, Release, with_version};
pub(crate) use policy::{PolicyContext, violations};
pub(crate) use references::{Referenced, references, required_references, rewrite_references};
pub(crate) use versioned::{BASE_NAME_ANNOTATION, copy_as, name_versions, versioned_name};
