//! From a chart and a version to the exact objects that will be applied: rendering, versioned names, the argument contract, diff.

mod arguments;
mod diff;
mod flink_options;
mod helm;
mod policy;
mod references;
mod versioned;

pub use arguments::{ArgumentError, Start, lint_arguments, set_start, without_start};
pub use diff::{changes, differing_fields};
pub use flink_options::flink_option;
pub use helm::{BakeError, Helm, Release, parse_objects, with_version};
pub use policy::{PolicyContext, violations};
pub use references::{Referenced, references, required_references, rewrite_references};
pub use versioned::{BASE_NAME_ANNOTATION, copy_as, name_versions, versioned_name};
