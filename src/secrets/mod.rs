//! Takes secret values out of texts for people: by the name of a key, and by the values of Secrets.

mod keys;
mod lines;
mod pairs;
mod redactor;
mod yaml;

pub(crate) use keys::{MASK, is_sensitive};
pub(crate) use lines::mask_lines;
pub use redactor::Redactor;
pub(crate) use yaml::sensitive_values;
