//! SHA-256 digests over JSON.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// SHA-256, in hex, of the JSON of a value. The keys of maps are sorted; the fields of a struct keep the order of their declaration.
#[must_use]
pub fn digest_of<T: Serialize + ?Sized>(value: &T) -> String {
    // A `Value` keeps its keys sorted, a struct its fields in order of declaration.
    let value = serde_json::to_value(value).unwrap_or_default();
    hex(&Sha256::digest(value.to_string()))
}

/// The first `digits` hex digits of [`digest_of`], for names and ids that have little room.
#[must_use]
pub fn short_digest_of<T: Serialize + ?Sized>(value: &T, digits: usize) -> String {
    digest_of(value).chars().take(digits).collect()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
